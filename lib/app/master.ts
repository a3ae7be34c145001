// Wires the parts of a master together: store, lock manager, job queue, node client, manager and background services. A surface such as
// the RAPI is added by the caller (open.ts), and tests run it with a world of their own.

import { sameForAll } from '../access/policy.ts';
import type { Background } from '../base/background.ts';
import { MerapiError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { openSeal } from '../base/seal.ts';
import type { World } from '../base/world.ts';
import { History } from '../jobs/history.ts';
import { dutyRetry } from '../jobs/maintenance/duty-retry.ts';
import { jobArchiver } from '../jobs/maintenance/job-archiver.ts';
import { nodeFollower } from '../jobs/maintenance/node-follower.ts';
import { storeRecovery } from '../jobs/maintenance/store-recovery.ts';
import { JobQueue } from '../jobs/queue.ts';
import { LockManager } from '../locks/manager.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import type { Manager } from '../manager/define.ts';
import { initCluster } from '../manager/init.ts';
import { createManager } from '../manager/manager.ts';
import type { NodeAddress } from '../model/node.ts';
import { NodeClient } from '../rpc/client.ts';
import type { Endpoint } from '../rpc/post.ts';
import { RuntimeTable } from '../rpc/runtime.ts';
import { DEFAULT_NODE_PORT } from '../rpc/wire.ts';
import type { Store } from '../store/define.ts';
import { Credentials, certificateRenewal } from './credentials.ts';
import { readEndpoint } from './endpoint.ts';
import { awaitedNodeAdder } from './joining.ts';
import type { Layout } from './layout.ts';
import { noCluster } from './layout.ts';
import { prepareNodes } from './state.ts';
import { stoppedInstanceStarter } from './stopping.ts';
import { storeOf } from './store.ts';

/** What a master is created from. */
export interface MasterOptions {
  layout: Layout;
  log: Logger;
  world: World;
  /** Describes the cluster to create; only called when the state folder contains none. */
  describe?: () => Promise<ClusterSpec>;
  /** For how many milliseconds calls to a node that does not answer are retried. */
  patience?: number;
}

/** The master of a cluster, without any surface. */
export interface Master {
  manager: Manager;
  store: Store;
  runtime: RuntimeTable;
  credentials: Credentials;
  world: World;
  /** Whether createMaster() created the cluster. */
  isNew: boolean;
  /** Starts the background services and resumes the jobs that an earlier run left. */
  start(): Promise<void>;
  /** Instead of start(): accepts jobs without running any; they run when the master is started the next time. */
  hold(): Promise<void>;
  /** Stops. Running jobs are interrupted as in a crash, and resumed at the next start. */
  close(): Promise<void>;
}

/**
 * Opens the store of a state folder, creates the cluster if there is none, and wires a master to it. Nothing runs before start().
 * @throws MerapiError configuration when the folder contains no cluster and none is described
 */
export async function createMaster(options: MasterOptions): Promise<Master> {
  const { layout, log, world, describe, patience } = options;
  const { clock } = world;
  const credentials = await Credentials.open(layout, () => clock.seconds() * 1000);
  const seal = await openSeal(layout.secretKey, layout.sharedSecret);
  const store = await storeOf(layout)(clock);
  const isNew = !store.view.initialised;
  try {
    if (isNew) await createCluster(layout, store, world, describe);
  } catch (error) {
    await store.close();
    throw error;
  }
  const runtime = new RuntimeTable();
  const nodes = new NodeClient({
    tls: credentials.tls,
    renewal: credentials.renewal,
    endpointOf: (node) => endpointOf(layout, node),
    epoch: store.epoch,
    runtime,
    log,
    clock,
    patience,
  });
  const history = new History(store, clock);
  const queue = new JobQueue({ store, locks: new LockManager(), runtime, nodes, ...world, seal, log });
  const manager = createManager({ store, queue, history, runtime, nodes, ...world, policy: sameForAll });
  const work = { log, clock };
  // Started in this order, each when the one before it has started: jobs must not be resumed before the nodes were asked what they run.
  const maintenance: Background[] = [
    nodeFollower(store, nodes, log),
    { start: () => startQueue(layout, queue, false), stop: async () => queue.close() },
    jobArchiver(queue, history, work),
    storeRecovery(store, queue, work),
    certificateRenewal(credentials, nodes, work),
    dutyRetry(queue, runtime),
    awaitedNodeAdder({ manager, store, runtime }, work),
    stoppedInstanceStarter({ manager, store, runtime }, work),
  ];
  return {
    manager,
    store,
    runtime,
    credentials,
    world,
    isNew,
    async start() {
      for (const each of maintenance) await each.start();
    },
    hold: () => startQueue(layout, queue, true),
    async close() {
      const stopped = maintenance.map((each) => each.stop());
      await nodes.close();
      await store.close();
      await Promise.all(stopped);
    },
  };
}

/** @throws MerapiError unavailable, naming the store and the remedy, when its records of jobs or filters cannot be read */
async function startQueue({ database }: Layout, queue: JobQueue, held: boolean): Promise<void> {
  try {
    await queue.start(held);
  } catch (cause) {
    if (!(cause instanceof MerapiError)) throw cause;
    throw new MerapiError(
      'unavailable',
      `The jobs in the store ${database} cannot be resumed (${cause.message}); 'merapi check' shows what is wrong, and 'merapi restore FILE --dir DIR --force' replaces it with a backup`,
      { cause },
    );
  }
}

/** Makes the nodes' folders before the cluster: after a crash in between, the next start finds no cluster and repeats both. */
async function createCluster(
  layout: Layout,
  store: Store,
  world: World,
  describe: MasterOptions['describe'],
): Promise<void> {
  if (!describe) throw noCluster(layout);
  const spec = await describe();
  await prepareNodes(layout, spec.nodes, spec);
  await initCluster(store, spec, world);
}

/** The address of a node's worker: the one in the node's folder if it runs on this machine, else its primary IP and the default port. */
async function endpointOf(layout: Layout, node: NodeAddress): Promise<Endpoint> {
  const local = await readEndpoint(layout.nodeFolder(node.name));
  return local ?? { host: node.primary_ip, port: DEFAULT_NODE_PORT };
}
