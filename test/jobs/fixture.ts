import assert from 'node:assert/strict';
import { sameForAll } from '../../lib/access/policy.ts';
import { stringifyJson } from '../../lib/base/json.ts';
import type { Logger } from '../../lib/base/log.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { type Seal, sealOf } from '../../lib/base/seal.ts';
import { systemWorld, type World } from '../../lib/base/world.ts';
import { History } from '../../lib/jobs/history.ts';
import { JobQueue } from '../../lib/jobs/queue.ts';
import { LockManager } from '../../lib/locks/manager.ts';
import type { Manager } from '../../lib/manager/define.ts';
import { createManager } from '../../lib/manager/manager.ts';
import { isFinal, type Job, type OpInput } from '../../lib/model/job.ts';
import type { Node } from '../../lib/model/node.ts';
import type { CallOptions, NodeCaller } from '../../lib/rpc/caller.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { put } from '../../lib/store/changes.ts';
import type { QueueStore, Store } from '../../lib/store/define.ts';
import { inTime } from '../helpers/patience.ts';
import { withCommit } from '../helpers/store.ts';
import { aCluster, aGroup, aNode } from '../helpers/view.ts';
import { deferred } from '../node/helpers.ts';
import { SqliteFixture } from '../store/sqlite/fixture.ts';

/** One call on a node: the node's short name, the call, and the job that makes it. */
export interface SeenCall {
  node: string;
  name: string;
  job: number;
}

/** A call that waits for the test's word. */
interface HeldCall extends SeenCall {
  /** How it is made: what ends it, and what hears how far it is. */
  options: CallOptions;
  /** Lets it succeed, or fail with this error. */
  end(error?: Error): void;
}

/** The real queue, locks, units and store; the nodes are the test's: `node1` and `node2`, whose calls can be held. */
export class QueueFixture {
  readonly files: SqliteFixture;
  /** Time and chance of the master. */
  readonly world: World;
  readonly runtime = new RuntimeTable();
  readonly seal: Seal = sealOf(Buffer.alloc(32, 7));
  /** Every call that was made, in order. */
  readonly calls: SeenCall[] = [];
  /** The calls that wait. */
  readonly held: HeldCall[] = [];
  /** Which calls are held; by default those of `node.delay`. */
  holds: (call: SeenCall) => boolean = ({ name }) => name === 'node.delay';
  /** What the nodes answer. */
  answer: (call: SeenCall) => unknown = () => ({});
  /** Called before each commit, which waits for it, and fails if it does. */
  beforeCommit: (job: number | null) => Promise<void> | void = () => undefined;
  log: Logger = silentLogger;
  store!: Store;
  queue!: JobQueue;
  locks!: LockManager;
  manager!: Manager;
  #arrived = deferred<void>();

  private constructor(files: SqliteFixture, world: World) {
    this.files = files;
    this.world = world;
  }

  static async make(world = systemWorld): Promise<QueueFixture> {
    const fixture = new QueueFixture(await SqliteFixture.make(), world);
    await fixture.#open();
    await fixture.store.commit({ job: null }, () => [
      put('cluster', aCluster()),
      put('nodegroup', aGroup()),
      put('node', aNode('node1')),
      put('node', aNode('node2')),
    ]);
    return fixture;
  }

  /** Ends the master as a crash would and starts a new one. What the old one's calls still bring is lost. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#open();
  }

  /** Ends the master. */
  async stop(): Promise<void> {
    this.queue.close();
    await this.store.close();
    for (const call of this.held.splice(0)) call.end(new Error('the master is gone'));
    this.beforeCommit = () => undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.files.close();
  }

  submit(...ops: OpInput[]): Promise<number> {
    return this.queue.submit(ops);
  }

  /** Submits a job of these opcodes and waits for its end. */
  async run(...ops: OpInput[]): Promise<Job> {
    return this.ended(await this.submit(...ops));
  }

  /** Waits until a job is as wanted, by default until it has ended. */
  async ended(id: number, isThere: (job: Job) => boolean = (job) => isFinal(job.status)): Promise<Job> {
    for (;;) {
      const change = deferred<void>();
      const stop = this.queue.subscribe(id, () => change.resolve());
      try {
        const job = await this.queue.get(id);
        assert.ok(job, `there is no job ${id}`);
        if (isThere(job)) return job;
        await inTime(change.promise, () => `a change of ${stringifyJson([job, this.locks.inspect()])}`);
      } finally {
        stop();
      }
    }
  }

  /** Waits until a call of this job is held. */
  async heldBy(job: number): Promise<HeldCall> {
    for (;;) {
      const index = this.held.findIndex((call) => call.job === job);
      if (index >= 0) return this.held.splice(index, 1)[0] as HeldCall;
      await inTime(this.#arrived.promise, () => `a call of job ${job}`);
    }
  }

  async #open(): Promise<void> {
    this.store = await this.files.open(this.world.clock);
    this.locks = new LockManager();
    const nodes = this.#nodes();
    const { seal, runtime, locks } = this;
    const store = this.#gated(this.store);
    this.queue = new JobQueue({ store, locks, runtime, nodes, ...this.world, seal, log: this.log });
    this.manager = createManager({
      ...{ store: this.store, queue: this.queue, runtime, nodes, ...this.world, policy: sameForAll },
      history: new History(this.store, this.world.clock),
    });
    await this.queue.start();
  }

  #gated(store: Store): QueueStore {
    const commit: Store['commit'] = async (author, build) => {
      const waiting = this.beforeCommit(author.job);
      if (waiting) await waiting;
      return store.commit(author, build);
    };
    return withCommit(store, commit);
  }

  #nodes(): NodeCaller {
    const call = async (
      node: { name: string },
      name: string,
      _params: unknown,
      options: CallOptions = {},
    ) => {
      // Nodes of which nothing is known are asked for their hooks; those of the fixture have none.
      if (name === 'hooks.run') return { results: [] };
      const seen = { node: node.name.replace(/\..*/, ''), name, job: Number.parseInt(options.id ?? '0', 10) };
      this.calls.push(seen);
      if (this.holds(seen))
        await new Promise<void>((resolve, reject) => {
          this.held.push({ ...seen, options, end: (error) => (error ? reject(error) : resolve()) });
          this.#arrived.resolve();
          this.#arrived = deferred();
        });
      return this.answer(seen);
    };
    const callAll = async (nodes: readonly Node[], name: string, params: unknown) =>
      new Map(
        await Promise.all(
          nodes.map(async (node) => [node.uuid, { result: await call(node, name, params) }] as const),
        ),
      );
    return { call, callAll } as unknown as NodeCaller;
  }
}

/** A job that locks node1 and then asks it to wait, which the fixture holds. */
export const onNode1: OpInput = {
  OP_ID: 'OP_TEST_DELAY',
  duration: 0,
  on_master: false,
  on_nodes: ['node1.example.com'],
  no_locks: false,
};
