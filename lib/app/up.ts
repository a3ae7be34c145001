// `merapi master`, `merapi up` and `merapi init`.

import { resolve } from 'node:path';
import { errorText, MerapiError } from '../base/errors.ts';
import { createLogger } from '../base/log.ts';
import { systemWorld } from '../base/world.ts';
import { awaitNodes, joinNodes } from '../manager/init.ts';
import { claim } from './claim.ts';
import { checkNewNodes, localCluster, readClusterFile } from './cluster-file.ts';
import { announce } from './invitation.ts';
import { completeCluster } from './joining.ts';
import { layoutOf } from './layout.ts';
import { createMaster } from './master.ts';
import { type LocalNodes, type MasterCommand, openMaster, type Running } from './open.ts';
import { finishRestore, holdsState } from './restore-staging.ts';
import { ensureUsers } from './state.ts';
import { stopInstances } from './stopping.ts';
import { startupError } from './trouble.ts';

/** The options of `merapi up`. */
export interface UpCommand extends MasterCommand {
  /** The path of a cluster file. */
  cluster?: string;
  /** The folder with OS definitions for the cluster that is created when there is no cluster file. */
  osFolder: string;
  stopInstances: boolean;
  accel?: 'kvm' | 'tcg';
}

/** `merapi master`: the master alone; the nodes' workers run elsewhere. */
export function runMaster(command: MasterCommand): Promise<void> {
  return serve(command, null, (running) => announce(running, false));
}

/** `merapi up`: the master and the nodes of this machine. */
export async function runUp(command: UpCommand): Promise<void> {
  const dir = resolve(command.dir);
  const wanted = command.cluster ? await readClusterFile(command.cluster, dir) : null;
  const describe = async () => wanted ?? (await localCluster(dir, resolve(command.osFolder)));
  const workerArgs = command.accel ? ['--accel', command.accel] : [];
  await serve(command, { wanted, describe, workerArgs }, async (running, signal) => {
    const { master } = running;
    const spec = wanted ?? (master.isNew ? await describe() : null);
    if (spec) await completeCluster(master, spec, signal);
    if (!signal.aborted) await announce(running, command.users === undefined);
    await fired(signal);
    if (command.stopInstances) await stopInstances(master);
  });
}

/** `merapi init`: creates a cluster without starting anything. Its nodes are added when the master is started. */
export async function runInit(dir: string, cluster: string): Promise<void> {
  const layout = layoutOf(resolve(dir));
  const spec = await readClusterFile(cluster, layout.dir);
  if (!(await holdsState(layout))) checkNewNodes(spec.nodes);
  const lock = await claim(layout).catch((error) => {
    throw startupError(error, layout);
  });
  try {
    await finishRestore(layout);
    const log = createLogger('master');
    const master = await createMaster({ layout, log, world: systemWorld, describe: async () => spec });
    try {
      if (!master.isNew)
        throw new MerapiError(
          'configuration',
          `${layout.dir} already contains the cluster ${master.store.view.cluster.name}`,
        );
      await ensureUsers(layout);
      await master.hold();
      await awaitNodes(master.store, spec, master.world.random);
      await joinNodes(master.manager, spec);
    } finally {
      await master.close();
    }
  } catch (error) {
    throw startupError(error, layout);
  } finally {
    await lock.release();
  }
  process.stdout.write(`The cluster ${spec.name} is created in ${layout.dir}\n`);
}

/**
 * Runs a master until SIGINT or SIGTERM, which may come at any moment, also during the start. It also ends, with exit code 1, when
 * another master takes over the store. `use` is called when the master is ready, and must return when its signal has fired.
 */
async function serve(
  command: MasterCommand,
  nodes: LocalNodes | null,
  use: (running: Running, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  let running: Running;
  try {
    running = await openMaster(command, nodes, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return;
    throw error;
  }
  running.master.store.onFailure(({ error, lost }) => {
    if (!lost) return; // the master continues; the store recovers when it can be written again
    process.stderr.write(`The master stops: ${errorText(error)}\n`);
    process.exitCode = 1;
    stop.abort();
  });
  try {
    await use(running, stop.signal);
    await fired(stop.signal);
  } finally {
    await running.close();
  }
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
