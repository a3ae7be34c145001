// The worker of one node: the program that does on a host what the master asks. This file is its composition root: it takes the
// folder, builds the drivers and services on it, and opens the RPC server last, when everything behind it is ready.
//
// Every step that opens something pushes its undo onto one list, which is unwound in reverse order by stop() and by a failed
// start. Guests and their data outlive the worker: nothing on this list may stop a guest.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackgroundParts, unattended } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import { Connections, connectionLimits } from '../base/connections.ts';
import { removeInterruptedWrites, writeFileDurably } from '../base/files.ts';
import type { Logger } from '../base/log.ts';
import { closeFolder } from '../base/modes.ts';
import type { TlsFiles } from '../base/tls.ts';
import { endsWithin } from '../base/within.ts';
import type { World } from '../base/world.ts';
import type { HypervisorName } from '../model/hvparams/index.ts';
import { type Handlers, startRpcServer } from '../rpc/server.ts';
import { Streams } from '../rpc/streams.ts';
import { Arrivals } from './backup/arrivals.ts';
import { Dumps } from './backup/dumps.ts';
import { ExportFolder } from './backup/folder.ts';
import { Identities } from './backup/identities.ts';
import { Certificate } from './certificate.ts';
import { backupExecutors } from './executors/backup.ts';
import { callExecutors } from './executors/call.ts';
import { certificateExecutors } from './executors/certificate.ts';
import { diskExecutors } from './executors/disk.ts';
import { guestExecutors } from './executors/guest.ts';
import { hooksExecutors } from './executors/hooks.ts';
import { instanceExecutors } from './executors/instance.ts';
import { migrationExecutors } from './executors/migration.ts';
import { networkExecutors } from './executors/network.ts';
import { nodeExecutors } from './executors/node.ts';
import { osExecutors } from './executors/os.ts';
import { storageExecutors } from './executors/storage.ts';
import { transferExecutors } from './executors/transfer.ts';
import { Facts } from './facts.ts';
import { withFaults } from './faults.ts';
import { isOfNode } from './folder.ts';
import { GuestAgents } from './guest/agents.ts';
import { HookScripts } from './hooks.ts';
import { createHypervisors, type Hypervisors, isSimulated } from './hypervisors/registry.ts';
import { Journal } from './journal.ts';
import { lockFolder } from './lock.ts';
import { createGuestNetwork } from './network/host.ts';
import { OsInstaller } from './os/installer.ts';
import { hostPower, simulatedPower } from './power.ts';
import { type PathMapping, StoragePaths } from './storage/paths.ts';
import { createStorage } from './storage/registry.ts';
import { StorageUnits } from './storage/units.ts';

export interface NodeConfig {
  /** The node's name; its certificate must be issued for it. */
  name: string;
  /** Where the worker keeps all of its state. It is locked: no two workers can use the same folder. */
  folder: string;
  hypervisors: readonly HypervisorName[];
  /** Port 0 picks any free port; FOLDER/endpoint then holds the one that was picked. */
  listen: { host: string; port: number };
  tls: TlsFiles;
  /** Stores renewed certificates for the next start of the worker; by default they are lost when this worker ends. */
  saveTls?: (files: TlsFiles) => Promise<void>;
  /** Merapi's version, which `node.hello` returns. */
  version: string;
  /** The folders for disks, as the paths that the cluster uses; disks anywhere else are refused. */
  storageRoots: readonly string[];
  /** Maps the cluster's paths to real paths of this host; only simulated nodes need it. */
  paths?: readonly PathMapping[];
  /** Shared by all simulated nodes of this machine: a folder for storage that several nodes access, and the clock of that storage. */
  common?: { folder: string; clock: Clock };
  /** Whether the worker may reboot its host on request; by default it may not. */
  powercycle?: boolean;
  /** Limits the connections from outside for the whole process; by default with the limits of a process that serves one node. */
  connections?: Connections;
  /** Where the administrator's hooks are; by default FOLDER/hooks. */
  hooks?: string;
  /** The accelerator of kvm guests; by default the worker probes which one works on this host. */
  accel?: 'kvm' | 'tcg';
  /** Clock and random numbers of the machine. */
  world: World;
}

export interface NodeWorker {
  readonly name: string;
  /** The address and port that the worker listens on. */
  readonly host: string;
  readonly port: number;
  /**
   * Stops the worker; its guests keep running. Calls in progress get no answer: the master repeats them, with the same id, when the
   * worker is back. A second call returns the same promise.
   */
  stop(): Promise<void>;
}

/** Milliseconds that stop() waits for calls in progress to finish. */
const STOP_TIMEOUT = 3_000;

/** The steps that stop the worker, in the order of its start; they run in reverse. */
type UndoSteps = (() => Promise<unknown>)[];

/**
 * Starts the worker of one node; several may run in one process. While it listens, FOLDER/endpoint contains "HOST PORT".
 * @throws MerapiError wrong_state when another worker uses the folder, configuration when the folder is shared by all users,
 *   environment_error when the folder cannot be locked or the address cannot be listened on
 */
export async function startNodeWorker(config: NodeConfig, log: Logger): Promise<NodeWorker> {
  const undo: UndoSteps = [];
  let stopped: Promise<void> | null = null;
  const stop = () => {
    stopped ??= unwind(undo, log);
    return stopped;
  };
  try {
    await mkdir(config.folder, { recursive: true, mode: 0o700 });
    const lock = await lockFolder(config.folder);
    undo.push(() => lock.release());
    const closed = await closeFolder(config.folder, isOfNode);
    if (closed.length > 0)
      log.warn({ closed }, "other users could access files in the node's folder; the permissions are fixed");
    for (const subfolder of ['', 'journal', 'guests', 'network', 'frozen', 'starts'])
      await removeInterruptedWrites(join(config.folder, subfolder));
    const endpoint = join(config.folder, 'endpoint');
    await rm(endpoint, { force: true }); // left by a worker that crashed
    const server = await startServices(config, log, undo);
    undo.push(() => rm(endpoint, { force: true }));
    await writeFileDurably(endpoint, `${server.host} ${server.port}\n`);
    log.info({ node: config.name, host: server.host, port: server.port }, 'the node worker listens');
    return { name: config.name, ...server, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Builds the services of the worker, opens its hypervisors and starts the server; adds the steps that stop them to `undo`.
 * Order matters: drivers must have found their running guests before the server accepts calls about them.
 */
async function startServices(
  config: NodeConfig,
  log: Logger,
  undo: UndoSteps,
): Promise<{ host: string; port: number }> {
  const { name, folder, version, listen, world } = config;
  const { clock } = world;
  const certificate = new Certificate(name, config.tls, config.saveTls ?? (async () => undefined));
  const tls = certificate.current;
  const connections = config.connections ?? new Connections(connectionLimits(), log);
  const paths = new StoragePaths(config.storageRoots, config.paths ?? []);
  const network = createGuestNetwork({ folder: join(folder, 'network') });
  const { accel } = config;
  const hypervisors = createHypervisors(config.hypervisors, { folder, network, log, accel });
  const { simulatesSome, simulatesAll } = hypervisors;
  const own = join(folder, 'volumes');
  const common = config.common ?? { folder: own, clock };
  const simulated = simulatesSome ? { node: name, own, common: common.folder, clock: common.clock } : null;
  const storage = createStorage(paths, simulated);
  const installer = new OsInstaller(folder, storage);
  await installer.endScripts(log);
  const agents = new GuestAgents({ folder, hypervisors, log, ...world, changed: () => facts.changed() });
  await agents.open();
  undo.push(async () => agents.close());
  const guests = () =>
    hypervisors.all().flatMap((driver) => driver.guests().map((guest) => agents.withAgent(guest)));
  const hooks = new HookScripts(config.hooks ?? join(folder, 'hooks'), folder);
  const storageFolder = paths.realRoots()[0] ?? null;
  const facts = new Facts({ storageFolder, guests, isSimulated, hooks: () => hooks.present(), ...world });
  facts.onUnwatched = () => agents.freezes.thawAll();
  const power = simulatesAll
    ? simulatedPower(hypervisors)
    : hostPower({ allowed: config.powercycle ?? false, log });
  const streams = new Streams(log, clock);
  const dumps = new Dumps(storage, installer);
  const identities = new Identities(join(folder, 'identities'), clock);
  const arrivals = new Arrivals(listen.host, log, connections, world);
  undo.push(() => arrivals.closeAll());
  let endpoint: { host: string | null; port: number } = { host: null, port: listen.port };
  const journal = await Journal.open(join(folder, 'journal'), { log, clock });
  undo.push(() => closeJournal(journal, { log, clock }));
  const handlers: Handlers = {
    ...callExecutors(journal),
    ...nodeExecutors({ name, version, hypervisors, storage, facts, power, certificate, clock }),
    ...guestExecutors(agents),
    ...instanceExecutors({ hypervisors, storage, installer, agents }),
    ...migrationExecutors(hypervisors, storage),
    ...diskExecutors({ storage, hypervisors }, { streams, tls, endpoint: () => endpoint }),
    ...storageExecutors(new StorageUnits(paths, simulated)),
    ...osExecutors(installer, hypervisors, dumps, tls),
    ...backupExecutors({
      ...{ exports: new ExportFolder(join(folder, 'export')), dumps, streams, tls },
      endpoint: () => endpoint,
    }),
    ...certificateExecutors(identities),
    ...transferExecutors({
      ...{ arrivals, dumps, identities, clock },
      listensOnAll: isUnspecified(listen.host),
    }),
    ...hooksExecutors(hooks),
    ...networkExecutors(simulatesAll ? null : network),
  };
  await openHypervisors(hypervisors, facts, undo);
  await agents.resume();
  const server = await startRpcServer({
    listen,
    tls: tls(),
    handlers: simulatesSome ? withFaults(handlers, folder, clock) : handlers,
    journal,
    facts,
    streams,
    connections,
    log,
    clock,
  });
  certificate.onChange((files) => server.renew(files));
  endpoint = { host: isUnspecified(server.host) ? null : server.host, port: server.port };
  undo.push(() => {
    // The journal closes first: closing the server aborts handlers, and their failures must not be stored as outcomes of calls.
    unattended('closing the call journal', log, () => journal.close());
    return server.close();
  });
  return { host: server.host, port: server.port };
}

/** Whether a host to listen on stands for all addresses. The master then uses the address that it reaches the node under. */
const isUnspecified = (host: string) => host === '0.0.0.0' || host === '::';

async function openHypervisors(hypervisors: Hypervisors, facts: Facts, undo: UndoSteps): Promise<void> {
  for (const driver of hypervisors.all()) {
    undo.push(() => driver.close());
    await driver.open();
    driver.onChange(() => facts.changed());
  }
}

/** Runs all undo steps, the last one first. A step that fails is logged and does not keep the others from running. */
async function unwind(undo: UndoSteps, log: Logger): Promise<void> {
  for (const step of undo.reverse())
    await step().catch((error) => log.error({ err: error }, 'cannot stop a part of the node worker'));
}

/** Closes the journal and waits for the calls in progress, but not for long: a call may hang in a driver. */
async function closeJournal(journal: Journal, { log, clock }: BackgroundParts): Promise<void> {
  const finished = await endsWithin(journal.close(), STOP_TIMEOUT, clock);
  if (!finished) log.warn('calls in progress did not finish before the worker stopped');
}
