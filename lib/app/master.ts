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

export interface MasterOptions {
  layout: Layout;
  log: Logger;
  /** The time and chance of its machine. */
  world: World;
  /** Describes the cluster to make; only called when the state folder holds none. */
  describe?: () => Promise<ClusterSpec>;
  /** Milliseconds that calls keep trying a node that does not answer. */
  patience?: number;
}

/** The master of a cluster, without any surface. */
export interface Master {
  manager: Manager;
  store: Store;
  runtime: RuntimeTable;
  credentials: Credentials;
  /** What it runs with. */
  world: World;
  /** Whether the cluster has just been made. */
  isNew: boolean;
  /** Takes up the jobs that an earlier life left. */
  start(): Promise<void>;
  /** Instead of start(): takes jobs, which wait for the next life. */
  hold(): Promise<void>;
  /** Stops; jobs that run are left where they stand. */
  close(): Promise<void>;
}

/**
 * Opens the store of a state folder and wires a master to it.
 * @throws MerapiError configuration when the folder holds no cluster and none is described
 */
export async function createMaster(options: MasterOptions): Promise<Master> {
  const { layout, log, world, describe, patience } = options;
  const { clock } = world;
  const credentials = await Credentials.open(layout, () => clock.seconds() * 1000);
  const seal = await openSeal(layout.secretKey, layout.sharedSecret);
  const store = await storeOf(layout)(clock);
  const isNew = !store.view.initialised;
  try {
    if (isNew) await makeCluster(layout, store, world, describe);
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
  // Each starts when the one before it has started. The jobs are taken up when it is known what runs on the nodes.
  const maintenance: Background[] = [
    nodeFollower(store, nodes, log),
    { start: () => takeUp(layout, queue, false), stop: async () => queue.close() },
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
    hold: () => takeUp(layout, queue, true),
    async close() {
      const stopped = maintenance.map((each) => each.stop());
      await nodes.close();
      await store.close();
      await Promise.all(stopped);
    },
  };
}

/** @throws MerapiError unavailable, naming the store and what to do, when what it says of jobs or filters cannot be read */
async function takeUp({ database }: Layout, queue: JobQueue, held: boolean): Promise<void> {
  try {
    await queue.start(held);
  } catch (cause) {
    if (!(cause instanceof MerapiError)) throw cause;
    throw new MerapiError(
      'unavailable',
      `The jobs in the store ${database} cannot be taken up (${cause.message}); 'merapi check' tells what is wrong, and 'merapi restore FILE --dir DIR --force' puts a backup in its place`,
      { cause },
    );
  }
}

/** Makes the nodes' folders first: a life that ended between the two finds no cluster and makes them again. */
async function makeCluster(
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

/** Where a node's worker listens: what it wrote into its folder if it runs on this machine, else the usual port. */
async function endpointOf(layout: Layout, node: NodeAddress): Promise<Endpoint> {
  const local = await readEndpoint(layout.nodeFolder(node.name));
  return local ?? { host: node.primary_ip, port: DEFAULT_NODE_PORT };
}
