import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { errorText, MerapiError } from '../base/errors.ts';
import { readFileOrNull } from '../base/files.ts';
import { createLogger, type Logger } from '../base/log.ts';
import { SYSTEM } from '../manager/authorise.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import type { Manager } from '../manager/define.ts';
import { joinNodes } from '../manager/init.ts';
import { isFinal } from '../model/job.ts';
import { lockFolder } from '../node/lock.ts';
import { type RapiServer, startRapi } from '../surfaces/rapi/server.ts';
import { UsersFile } from '../surfaces/rapi/users-file.ts';
import { authority, authorityFile, rapiIdentity } from './certificates.ts';
import { localCluster, readClusterFile } from './cluster-file.ts';
import { type Layout, layoutOf } from './layout.ts';
import { createMaster, localNodes, type Master } from './master.ts';
import { checkSameCluster, ensureUsers, prepareNodes } from './state.ts';
import { endWorker, ensureWorker } from './workers.ts';

export interface MasterCommand {
  dir: string;
  users?: string;
  bind: string;
  port: number;
  ssl: boolean;
  requireAuthentication: boolean;
}

export interface UpCommand extends MasterCommand {
  cluster?: string;
  /** The folder with OS definitions for the cluster that is made where no file describes one. */
  osFolder: string;
  stopInstances: boolean;
  accel?: 'kvm' | 'tcg';
}

/** A running master with its RAPI. */
interface Running {
  layout: Layout;
  /** The cluster that is to be completed: one made at this start, or one with nodes that have not joined yet. */
  incomplete: ClusterSpec | null;
  master: Master;
  rapi: RapiServer;
  close(): Promise<void>;
}

/** `merapi master`: the master alone; the nodes' workers run elsewhere. */
export async function runMaster(command: MasterCommand): Promise<void> {
  const running = await open(command, null, async () => undefined);
  say(running, []);
  await untilStopped(running);
  await running.close();
}

/** `merapi up`: the master and the nodes of this machine. */
export async function runUp(command: UpCommand): Promise<void> {
  const dir = resolve(command.dir);
  const spec = command.cluster ? await readClusterFile(command.cluster, dir) : null;
  const make = () => spec ?? localCluster(dir, resolve(command.osFolder));
  const workerArgs = command.accel ? ['--accel', command.accel] : [];
  const running = await open(command, { spec, make }, async (layout) => {
    const nodes = await localNodes(layout);
    if (nodes.length > 0) await ensureWorker(layout, nodes, workerArgs);
  });
  const { layout, master } = running;
  if (running.incomplete) await join(master.manager, running.incomplete);
  say(running, await invitation(running, command));
  await untilStopped(running);
  if (command.stopInstances) await stopInstances(master.manager);
  await running.close();
  await endWorker(layout);
}

/** `merapi init`: makes a cluster without starting anything. */
export async function runInit(dir: string, cluster: string): Promise<void> {
  const layout = layoutOf(resolve(dir));
  const spec = await readClusterFile(cluster, layout.dir);
  const lock = await lockFolder(layout.dir);
  try {
    await ensureUsers(layout);
    await prepareNodes(layout, spec);
    const master = await createMaster({ layout, log: createLogger('master'), spec });
    try {
      checkSameCluster(spec, master.manager.view.cluster.name, layout.dir);
      // They wait in the queue until the master runs.
      await joinNodes(master.manager, spec);
    } finally {
      await master.close();
    }
  } finally {
    await lock.release();
  }
  process.stdout.write(`The cluster ${spec.name} is made in ${layout.dir}\n`);
}

async function open(
  command: MasterCommand,
  making: { spec: ClusterSpec | null; make: () => ClusterSpec | Promise<ClusterSpec> } | null,
  startNodes: (layout: Layout) => Promise<void>,
): Promise<Running> {
  const log = createLogger('master', process.env.MERAPI_LOG_LEVEL ?? 'warn');
  const layout = layoutOf(resolve(command.dir));
  const usersFile = command.users ? resolve(command.users) : layout.users;
  if (command.users) new UsersFile(usersFile, log); // a wrong file is told before anything is changed
  await checkPortFree(command.bind, command.port);
  const isNew = (await readFileOrNull(layout.database)) === null;
  const spec = isNew && making ? await making.make() : undefined;
  if (isNew && !making)
    throw new MerapiError(
      'configuration',
      `${layout.dir} holds no cluster; make one with 'merapi init' or 'merapi up'`,
    );
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const lock = await lockFolder(layout.dir);
    undo.push(() => lock.release());
    if (!command.users) await ensureUsers(layout);
    if (spec) await prepareNodes(layout, spec);
    const master = await createMaster({ layout, log, spec });
    undo.push(() => master.close());
    if (making?.spec) checkSameCluster(making.spec, master.manager.view.cluster.name, layout.dir);
    await startNodes(layout);
    await master.start();
    const rapi = await startSurface(command, layout, master, usersFile, log);
    undo.push(() => rapi.close());
    const isMissing = ({ name }: { name: string }) => !master.manager.view.nodes.named(name);
    const incomplete = spec ?? (making?.spec?.nodes.some(isMissing) ? making.spec : null);
    return { layout, incomplete, master, rapi, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startSurface(
  command: MasterCommand,
  layout: Layout,
  { manager }: Master,
  usersFile: string,
  log: Logger,
): Promise<RapiServer> {
  const users = new UsersFile(usersFile, log);
  process.on('SIGHUP', () => users.reload());
  const tls = command.ssl ? await rapiIdentity(layout, await authority(layout), command.bind) : null;
  const { bind, port, requireAuthentication } = command;
  return startRapi({ manager, users, bind, port, tls, requireAuthentication, clock: systemClock, log });
}

/** Tells a busy port before anything is changed. @throws MerapiError configuration */
async function checkPortFree(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((done, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const text =
        cause.code === 'EADDRINUSE'
          ? `Port ${port} of ${host} is in use; end the program that uses it, or choose another with --port`
          : `Cannot listen on port ${port} of ${host}: ${cause.message}`;
      reject(new MerapiError('configuration', text, { cause }));
    });
    server.listen(port, host, () => server.close(() => done()));
  });
}

/** Adds the nodes of the cluster file that are not in the cluster yet, and tells which could not be added. */
async function join(manager: Manager, spec: ClusterSpec): Promise<void> {
  const never = new AbortController().signal;
  for (const id of await joinNodes(manager, spec)) {
    for (let seen: unknown[] | null = null; ; ) {
      const change = await manager.waitForJob(SYSTEM, id, ['status'], seen, null, 60_000, never);
      seen = change?.job_info ?? seen;
      const job = await manager.job(SYSTEM, id);
      if (!job || isFinal(job.status)) {
        const failure = job?.ops[0]?.failure;
        if (failure) process.stderr.write(`Job ${id} failed: ${failure.message}\n`);
        break;
      }
    }
  }
}

function say({ rapi }: Running, more: readonly string[]): void {
  process.stdout.write(`${[`ready ${rapi.url}`, ...more].join('\n')}\n`);
}

/** What a new user needs next: the password, and three lines to try. */
async function invitation({ layout, rapi, master }: Running, command: UpCommand): Promise<string[]> {
  const password = command.users ? null : (await readFileOrNull(layout.adminPassword))?.trim();
  if (!password) return [];
  const hypervisor = master.manager.view.cluster.enabled_hypervisors[0];
  const curl = `curl -s ${rapi.url.startsWith('https') ? `--cacert ${authorityFile(layout)} ` : ''}-u admin:${password}`;
  const body = {
    __version__: 1,
    mode: 'create',
    name: 'demo1.example.com',
    os: hypervisor === 'kvm' ? 'demo' : 'noop',
    disk_template: 'file',
    disks: [{ size: 128 }],
    nics: [],
    beparams: { memory: 128 },
  };
  return [
    `password: ${password}`,
    `${curl} ${rapi.url}/2/info`,
    `${curl} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}' ${rapi.url}/2/instances`,
    `${curl} ${rapi.url}/2/instances/demo1.example.com`,
  ];
}

/** Resolves at SIGINT or SIGTERM; when the store fails, the process ends with an error, and the next start goes on. */
function untilStopped({ master }: Running): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
    master.store.onFailure((error) => {
      process.stderr.write(`The master stops: ${errorText(error)}\n`);
      process.exitCode = 1;
      done();
    });
  });
}

/** Shuts down every instance that is meant to run, giving each guest a few seconds. */
async function stopInstances(manager: Manager): Promise<void> {
  const running = manager.view.instances.list().filter((instance) => instance.admin_state === 'up');
  const ids = await Promise.all(
    running.map(({ name }) =>
      manager.submit(SYSTEM, [
        { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: name, timeout: STOP_TIME, no_remember: true },
      ]),
    ),
  );
  const signal = AbortSignal.timeout((STOP_TIME + 10) * 1000);
  await Promise.all(
    ids.map(async (id) => {
      while (!signal.aborted && !isFinal((await manager.job(SYSTEM, id))?.status ?? 'success'))
        await manager.waitForJob(SYSTEM, id, ['status'], ['running'], null, 1_000, signal);
    }),
  );
}

/** Seconds that a guest has to shut down when the whole cluster stops. */
const STOP_TIME = 30;
