// Starts a whole master process: checks, lock, node worker, master, RAPI. Everything that was opened is closed again in reverse order, at
// the end and after a failure.

import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { UsersFile } from '../access/users-file.ts';
import { Connections, connectionLimits } from '../base/connections.ts';
import { errorText, MerapiError } from '../base/errors.ts';
import { writeFileDurably } from '../base/files.ts';
import { createLogger, type Logger } from '../base/log.ts';
import { systemWorld } from '../base/world.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import { type RapiServer, startRapi } from '../surfaces/rapi/server.ts';
import { rapiIdentity } from './certificates.ts';
import { claim } from './claim.ts';
import { checkNewNodes } from './cluster-file.ts';
import { WorkerSupervisor } from './keeper.ts';
import { type Layout, layoutOf, noCluster } from './layout.ts';
import { createMaster, type Master } from './master.ts';
import { finishRestore, holdsState } from './restore-staging.ts';
import { checkSameCluster, ensureUsers, prepareNodes, renewNodes } from './state.ts';
import { startupError } from './trouble.ts';
import { outliveFailures } from './uncaught.ts';

/** The options of `merapi master`. */
export interface MasterCommand {
  dir: string;
  users?: string;
  bind: string;
  port: number;
  ssl: boolean;
  requireAuthentication: boolean;
  maxConnections?: number;
  allowOrigin?: string[];
}

/** What `merapi up`, which runs the nodes of this machine too, adds to a master. */
export interface LocalNodes {
  /** The content of the cluster file; null without one. */
  wanted: ClusterSpec | null;
  /** Describes the cluster to create in an empty state folder. */
  describe: () => Promise<ClusterSpec>;
  /** Further arguments for new workers. */
  workerArgs: readonly string[];
}

/** A running master with its RAPI. */
export interface Running {
  layout: Layout;
  master: Master;
  rapi: RapiServer;
  close(): Promise<void>;
}

/**
 * Starts a master with its RAPI, and the nodes of this machine when `nodes` is given. Options are checked before anything is written.
 * @throws MerapiError, CommandFailed, or the reason of the signal; everything is closed again then
 */
export async function openMaster(
  command: MasterCommand,
  nodes: LocalNodes | null,
  signal: AbortSignal,
): Promise<Running> {
  // By default V8 lets the heap grow to a multiple of the live data before it collects garbage, and does not return the memory.
  setFlagsFromString('--heap-growing-percent=15');
  const log = createLogger('master', process.env.MERAPI_LOG_LEVEL ?? 'warn');
  outliveFailures(log);
  const layout = layoutOf(resolve(command.dir));
  const usersFile = command.users ? resolve(command.users) : layout.users;
  if (command.users) new UsersFile(usersFile, log, systemWorld.clock);
  await checkPortFree(command.bind, command.port);
  if (!(await holdsState(layout))) {
    if (!nodes) throw noCluster(layout);
    const spec = await nodes.describe();
    checkNewNodes(spec.nodes);
    nodes = { ...nodes, describe: async () => spec };
  }
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const lock = await claim(layout, log);
    undo.push(() => lock.release());
    await finishRestore(layout);
    const supervisor = new WorkerSupervisor(layout, nodes?.workerArgs ?? [], {
      log,
      clock: systemWorld.clock,
    });
    undo.push(() => supervisor.end());
    const master = await createMaster({ layout, log, world: systemWorld, describe: nodes?.describe });
    undo.push(() => master.close());
    if (nodes?.wanted) await prepareMissingNodes(layout, master, nodes.wanted);
    if (!command.users) await ensureUsers(layout);
    await renewNodes(layout, master.credentials.authorities);
    if (nodes) await supervisor.start(signal);
    await master.start();
    const rapi = await startSurface(command, layout, master, usersFile, log);
    undo.push(() => rapi.close());
    await writeFileDurably(layout.rapiUrl, `${rapi.url}\n`);
    undo.push(() => rm(layout.rapiUrl, { force: true }));
    return { layout, master, rapi, close };
  } catch (error) {
    await close();
    throw startupError(error, layout);
  }
}

/** Checks that the cluster is the one in the cluster file, and makes folders for nodes in the file that it does not have yet. */
async function prepareMissingNodes(
  layout: Layout,
  { store: { view } }: Master,
  wanted: ClusterSpec,
): Promise<void> {
  checkSameCluster(wanted, view.cluster.name, layout.dir);
  const missing = wanted.nodes.filter(({ name }) => !view.nodes.named(name));
  checkNewNodes(missing);
  await prepareNodes(layout, missing, wanted);
}

async function startSurface(
  command: MasterCommand,
  layout: Layout,
  { manager, credentials, world: { clock } }: Master,
  usersFile: string,
  log: Logger,
): Promise<RapiServer> {
  const users = new UsersFile(usersFile, log, clock);
  process.on('SIGHUP', () => users.reload());
  const { bind, port, requireAuthentication, maxConnections, allowOrigin } = command;
  const identity = () => rapiIdentity(layout, credentials.authorities, bind);
  const tls = command.ssl ? await identity() : null;
  const rapi = await startRapi({
    manager,
    users,
    bind,
    port,
    tls,
    requireAuthentication,
    clock,
    log,
    connections: new Connections(connectionLimits(maxConnections), log),
    allowOrigins: allowOrigin,
  });
  if (tls) credentials.onRenew(async () => rapi.renew(await identity()));
  return rapi;
}

/** Checks that the port can be opened, before anything is changed. @throws MerapiError configuration */
async function checkPortFree(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((done, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const text =
        cause.code === 'EADDRINUSE'
          ? `Port ${port} of ${host} is in use; end the program that uses it, or choose another with --port`
          : `Cannot listen on port ${port} of ${host}: ${errorText(cause)}`;
      reject(new MerapiError('configuration', text, { cause }));
    });
    server.listen(port, host, () => server.close(() => done()));
  });
}
