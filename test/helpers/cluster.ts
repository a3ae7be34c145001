import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { type Policy, sameForAll } from '../../lib/access/policy.ts';
import { SYSTEM } from '../../lib/access/principal.ts';
import { Credentials } from '../../lib/app/credentials.ts';
import { layoutOf } from '../../lib/app/layout.ts';
import { startNodes } from '../../lib/app/node.ts';
import { prepareNodes } from '../../lib/app/state.ts';
import { storeOf } from '../../lib/app/store.ts';
import { stringifyJson } from '../../lib/base/json.ts';
import { type Logger, silentLogger } from '../../lib/base/log.ts';
import { openSeal } from '../../lib/base/seal.ts';
import { systemWorld, type World } from '../../lib/base/world.ts';
import { History } from '../../lib/jobs/history.ts';
import { dutyRetry } from '../../lib/jobs/maintenance/duty-retry.ts';
import { nodeFollower } from '../../lib/jobs/maintenance/node-follower.ts';
import { JobQueue } from '../../lib/jobs/queue.ts';
import { LockManager } from '../../lib/locks/manager.ts';
import { ClusterSpec } from '../../lib/manager/cluster-spec.ts';
import type { Manager } from '../../lib/manager/define.ts';
import { initCluster, joinNodes } from '../../lib/manager/init.ts';
import { createManager } from '../../lib/manager/manager.ts';
import { isFinal, type Job, type OpInput } from '../../lib/model/job.ts';
import type { NodeWorker } from '../../lib/node/worker.ts';
import type { NodeCaller } from '../../lib/rpc/caller.ts';
import { NodeClient } from '../../lib/rpc/client.ts';
import type { CallName } from '../../lib/rpc/registry.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import type { QueueStore, Store } from '../../lib/store/define.ts';
import { checkStore } from '../../lib/store/sqlite/check/check.ts';
import { Findings } from '../../lib/store/sqlite/check/problem.ts';
import type { StepTools } from '../../lib/units/define.ts';
import { placeKeys } from './keys.ts';
import { inTime } from './patience.ts';
import { withCommit } from './store.ts';
import { pooledThreads } from './threads.ts';

/** How long the master waits for nodes, in ms: for those that do not answer in a test, and at first, when the machine may be busy. */
const SHORT_PATIENCE = 500;
const JOIN_PATIENCE = 30_000;

/** What stands between the jobs and the rest of the world, so that a test can let it fail. */
export interface Gate {
  /** Called before each commit of a job; a refused one, as all that follow in this life, is not written: the master is dead. */
  refusesCommit?: (job: number) => boolean;
  /** The same for commits of no job, such as those of duties. */
  refusesDuty?: () => boolean;
  /** Makes a call on a node, or does not. */
  call?: (name: CallName, make: () => Promise<unknown>) => Promise<unknown>;
}

/** One life of a master. */
interface Life {
  store: Store;
  queue: JobQueue;
  client: NodeClient;
  locks: LockManager;
  manager: Manager;
  runtime: RuntimeTable;
  nodes: NodeCaller;
}

/**
 * A cluster of simulated nodes in this process: the real store, queue, units and workers over mutual TLS; only the hypervisor
 * is simulated.
 */
export class TestCluster {
  readonly dir: string;
  readonly gate: Gate;
  readonly #workers: NodeWorker[];
  readonly #log: Logger;
  readonly #world: World;
  #life: Life;

  private constructor(dir: string, gate: Gate, workers: NodeWorker[], life: Life, log: Logger, world: World) {
    this.#world = world;
    this.#log = log;
    this.dir = dir;
    this.gate = gate;
    this.#workers = workers;
    this.#life = life;
  }

  /** Each machine, `master` or a node by name, has a world of its own if the test gives it one; null is for the storage that the nodes share. */
  static async start(
    names: readonly string[] = ['node1', 'node2'],
    spare: readonly string[] = [],
    over: Partial<z.input<typeof ClusterSpec>> = {},
    log: Logger = silentLogger,
    worldOf: (machine: string | null) => World = () => systemWorld,
  ): Promise<TestCluster> {
    const world = worldOf('master');
    const dir = await mkdtemp(join(tmpdir(), 'merapi-cluster-'));
    const all = [...names, ...spare].map((name, index) => ({ name, primary_ip: `198.51.100.${index + 1}` }));
    const spec = specOf(dir, all, over);
    const layout = layoutOf(dir);
    await placeKeys(
      layout,
      ['ca', 'master'],
      all.map(({ name }) => name),
    );
    await prepareNodes(layout, spec.nodes, spec);
    const workers = await startNodes(
      all.map(({ name }) => layout.nodeFolder(name)),
      {},
      log,
      worldOf,
    );
    const store = await storeOf(layout, pooledThreads)(world.clock);
    await initCluster(store, spec, world);
    await store.close();
    const gate: Gate = {};
    let patience = JOIN_PATIENCE;
    const life = await live(dir, gate, log, world, () => patience);
    const cluster = new TestCluster(dir, gate, workers, life, log, world);
    const members = { ...spec, nodes: spec.nodes.slice(0, names.length) };
    for (const id of await joinNodes(cluster.manager, members))
      assert.equal((await cluster.ended(id)).status, 'success');
    patience = SHORT_PATIENCE;
    return cluster;
  }

  get manager(): Manager {
    return this.#life.manager;
  }

  /** Another manager of the same cluster, which asks another policy. */
  managerOf(policy: Policy): Manager {
    const { store, queue, runtime, nodes } = this.#life;
    const history = new History(store, this.#world.clock);
    return createManager({ store, queue, history, runtime, nodes, ...this.#world, policy });
  }

  get store(): Store {
    return this.#life.store;
  }

  get locks(): LockManager {
    return this.#life.locks;
  }

  /** What the master knows of the nodes. */
  get runtime(): RuntimeTable {
    return this.#life.runtime;
  }

  /** What units look at and work with, for tests of their parts. */
  get tools(): StepTools {
    const { store, runtime, nodes } = this.#life;
    return { view: store.view, runtime, nodes, cancel: new AbortController().signal, tell: () => undefined };
  }

  /** The folder of a node. */
  folder(node: string): string {
    return layoutOf(this.dir).nodeFolder(node);
  }

  /** Submits a job of these opcodes and waits for its end. */
  async run(...ops: OpInput[]): Promise<Job> {
    return this.ended(await this.manager.submit(SYSTEM, ops));
  }

  /** Runs a job that must succeed. */
  async done(...ops: OpInput[]): Promise<Job> {
    const job = await this.run(...ops);
    assert.equal(job.status, 'success', JSON.stringify(job.ops.map((op) => op.failure)));
    return job;
  }

  /** Waits for the end of a job. */
  async ended(id: number): Promise<Job> {
    const { queue, locks } = this.#life;
    for (;;) {
      let changed: () => void = () => undefined;
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const stop = queue.subscribe(id, changed);
      try {
        const job = await queue.get(id);
        assert.ok(job, `job ${id} is not there`);
        if (isFinal(job.status)) return job;
        await inTime(change, () => `a change of ${stringifyJson([job, locks.inspect()])}`);
      } finally {
        stop();
      }
    }
  }

  /** Ends the master as a crash would, as far as disk and nodes can tell, and starts a new one. */
  async restart(): Promise<void> {
    await end(this.#life);
    this.gate.refusesCommit = undefined;
    this.gate.refusesDuty = undefined;
    this.#life = await live(this.dir, this.gate, this.#log, this.#world);
  }

  /** Ends everything; a job, a lock or a half-written file that is left over fails the test. */
  async close(): Promise<void> {
    try {
      const jobs = [];
      for await (const job of this.#life.queue.all()) if (!isFinal(job.status)) jobs.push(job.id);
      assert.deepEqual(jobs, [], 'jobs that did not end');
      assert.deepEqual(this.#life.store.view.duties, [], 'duties that are left');
      assert.deepEqual(this.#life.locks.inspect(), [], 'locks that are still held');
      const files = await readdir(this.dir, { recursive: true });
      assert.deepEqual(
        files.filter((file) => file.endsWith('.tmp')),
        [],
        'temporary files',
      );
      const findings = new Findings();
      await checkStore(
        layoutOf(this.dir).database,
        await openSeal(layoutOf(this.dir).secretKey, layoutOf(this.dir).sharedSecret),
        findings,
      );
      assert.deepEqual(findings.problems, []);
    } finally {
      await end(this.#life);
      await Promise.all(this.#workers.map((worker) => worker.stop()));
      await rm(this.dir, { recursive: true, force: true });
    }
  }
}

async function live(
  dir: string,
  gate: Gate,
  log: Logger,
  world: World,
  patience: () => number = () => SHORT_PATIENCE,
): Promise<Life> {
  const layout = layoutOf(dir);
  const store = await storeOf(layout, pooledThreads)(world.clock);
  const runtime = new RuntimeTable();
  const credentials = await Credentials.open(layout, () => world.clock.seconds() * 1000);
  const client = new NodeClient({
    tls: credentials.tls,
    renewal: credentials.renewal,
    endpointOf: async (node) => {
      const [host, port] = (await readFile(join(layout.nodeFolder(node.name), 'endpoint'), 'utf8'))
        .trim()
        .split(' ');
      return { host: host ?? '', port: Number(port) };
    },
    runtime,
    log,
    clock: world.clock,
    epoch: store.epoch,
    get patience() {
      return patience();
    },
  });
  const locks = new LockManager();
  const nodes: NodeCaller = {
    call: (node, name, params, step) => {
      const make = () => client.call(node, name, params, step);
      return (gate.call ? gate.call(name, make) : make()) as ReturnType<typeof make>;
    },
    callAll: (...args) => client.callAll(...args),
  };
  const queue = new JobQueue({
    store: gated(store, gate),
    locks,
    runtime,
    nodes,
    ...world,
    seal: await openSeal(layout.secretKey, layout.sharedSecret),
    log,
  });
  const manager = createManager({
    store,
    queue,
    history: new History(store, world.clock),
    runtime,
    nodes,
    ...world,
    policy: sameForAll,
  });
  await dutyRetry(queue, runtime).start();
  await nodeFollower(store, client, log).start();
  await queue.start();
  return { store, queue, client, locks, manager, runtime, nodes };
}

function gated(store: Store, gate: Gate): QueueStore {
  let isDead = false;
  const commit: Store['commit'] = (author, build) => {
    isDead ||= (author.job === null ? gate.refusesDuty?.() : gate.refusesCommit?.(author.job)) === true;
    return isDead ? Promise.reject(new Error('the master is dead')) : store.commit(author, build);
  };
  return withCommit(store, commit);
}

async function end({ queue, client, store }: Life): Promise<void> {
  queue.close();
  await client.close();
  await store.close();
}

export function specOf(
  dir: string,
  nodes: { name: string; primary_ip: string }[],
  over: Partial<z.input<typeof ClusterSpec>>,
): ClusterSpec {
  const bounds = (size: number, count: number) => ({
    'memory-size': size,
    'disk-size': size,
    'disk-count': count,
    'cpu-count': Math.max(count, 1),
    'nic-count': count,
    'spindle-use': count,
  });
  return ClusterSpec.parse({
    name: 'test.example.com',
    enabled_hypervisors: ['fake'],
    enabled_disk_templates: ['file', 'diskless'],
    file_storage_dir: join(dir, 'file-storage'),
    shared_file_storage_dir: join(dir, 'shared-file-storage'),
    os_search_path: [join(import.meta.dirname, '..', 'conformance', 'os')],
    ipolicy: { minmax: [{ min: bounds(0, 0), max: bounds(1 << 20, 16) }] },
    nodes,
    ...over,
  });
}
