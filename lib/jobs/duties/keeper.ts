import { setImmediate } from 'node:timers/promises';
import { unattended } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Grant, LockManager } from '../../locks/manager.ts';
import type { Duty, DutyCall } from '../../model/duty.ts';
import { CLUSTER_LOCK, type LockPlan, type LockWish } from '../../model/locks.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { NodeCaller } from '../../rpc/caller.ts';
import type { CallName } from '../../rpc/registry.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';
import { put, remove } from '../../store/changes.ts';
import type { JobStore } from '../../store/define.ts';
import { shortened } from './owed.ts';
import { judge } from './rules.ts';

/** Duties go after every job that waits for the same locks. */
const PRIORITY = 20;

/** The first pause after a try that failed, and how long pauses become within the first tries and later, in seconds. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 60;
const MANY_TRIES = 20;
const LONGEST_LATE_PAUSE = 3600;

/** How long to wait until the next try, in seconds, after so many that failed. */
function pauseAfter(tries: number): number {
  if (tries <= MANY_TRIES) return Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE);
  return Math.min(LONGEST_PAUSE * 2 ** (tries - MANY_TRIES), LONGEST_LATE_PAUSE);
}

/** What the keeper of duties needs of its process. */
export interface DutyParts {
  /** As jobs see it: its view is what all commits so far lead to. */
  store: Pick<JobStore, 'pending' | 'commit'>;
  locks: LockManager;
  runtime: RuntimeView;
  nodes: NodeCaller;
  clock: Clock;
  log: Logger;
}

/**
 * Tries duties again: at once when their node begins to answer, otherwise after pauses that grow. Those of a node are tried one
 * after the other, in the order in which they were made.
 *
 * | a duty is | until |
 * | --- | --- |
 * | waiting | its node answers and its pause is over: then it waits for its locks |
 * | tried | its locks are held, and that is on disk before the first call; a crash takes it up with the locks and the same ids |
 * | gone | it is done, void, or given up |
 *
 * Before each call the cluster's state is asked, under the locks of the instances that it is about: what is in use again is left alone.
 */
export class Duties {
  readonly #parts: DutyParts;
  readonly #over = new AbortController();
  /** The nodes (uuids) whose duties are being tried. */
  readonly #busy = new Set<string>();
  /** Those of them that are to be looked at again afterwards. */
  readonly #missed = new Set<string>();
  /** Those that a try was under way for when the last life ended, with what they hold. */
  readonly #resumed = new Map<string, Grant>();
  /** The nodes that have begun to answer: their duties do not wait for the ends of their pauses. */
  readonly #awake = new Set<string>();
  #timer: Timer | null = null;
  #isLooking = false;
  /** Whether jobs have what they held: before that nothing is tried. */
  #hasStarted = false;

  constructor(parts: DutyParts) {
    this.#parts = parts;
  }

  /** Gives back what duties held when the last life of the master ended; before any job goes on. */
  resume(): void {
    for (const { uuid, locks } of this.#parts.store.pending.duties)
      if (locks) this.#resumed.set(uuid, this.#parts.locks.regrant(ownerOf(uuid), locks));
  }

  /** Begins to try. */
  start(): void {
    this.#hasStarted = true;
    for (const { node } of this.#parts.store.pending.duties) this.#awake.add(node);
    this.look();
  }

  /** A node has begun to answer. */
  nodeAnswers(node: string): void {
    this.#awake.add(node);
    this.look();
  }

  /** Ends: what is under way is left where it stands. */
  stop(): void {
    this.#timer?.cancel();
    this.#over.abort(new MerapiError('unavailable', 'The master is stopping'));
  }

  /** Looks for what can be tried now; soon, and once however often it is asked. */
  look(): void {
    if (!this.#hasStarted || this.#isLooking || this.#over.signal.aborted) return;
    this.#isLooking = true;
    unattended('duties are looked at', this.#parts.log, async () => {
      await setImmediate();
      this.#isLooking = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#over.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = null;
    const { duties } = this.#parts.store.pending;
    if (duties.length === 0) {
      this.#awake.clear();
      return;
    }
    // One moment for both: what is not due for the one must have a timer by the other.
    const now = this.#parts.clock.seconds();
    for (const node of new Set(duties.map((duty) => duty.node)))
      if (this.#busy.has(node)) this.#missed.add(node);
      else unattended('duties of a node are tried', this.#parts.log, () => this.#serve(node, now));
    const next = Math.min(...duties.map(({ next_try }) => next_try).filter((time) => time > now));
    if (!Number.isFinite(next)) return;
    const pause = Math.min(Math.max((next - now) * 1000, 100), LONGEST_LATE_PAUSE * 1000);
    this.#timer = this.#parts.clock.timer(pause, () => this.look()).unref();
  }

  /** Tries the duties of a node that can be tried. */
  async #serve(node: string, now: number): Promise<void> {
    this.#busy.add(node);
    try {
      const isAwake = this.#answers(node) && this.#awake.delete(node);
      const own = this.#parts.store.pending.duties.filter((duty) => duty.node === node);
      for (const { uuid, next_try } of own) {
        if (this.#over.signal.aborted) return;
        const isDue = isAwake || this.#resumed.has(uuid) || next_try <= now;
        if (isDue && (this.#answers(node) || this.#isVoidAnyway(uuid))) await this.#try(uuid);
      }
    } catch (error) {
      if (!this.#over.signal.aborted) throw error;
    } finally {
      this.#busy.delete(node);
      if (this.#missed.delete(node)) this.look();
    }
  }

  #answers(uuid: string): boolean {
    const node = this.#parts.store.pending.nodes.get(uuid);
    return node !== undefined && !node.offline && this.#parts.runtime.of(uuid) !== null;
  }

  /** Whether the node of a duty is not of the cluster any more. */
  #isVoidAnyway(uuid: string): boolean {
    const { pending: view } = this.#parts.store;
    const duty = view.duty(uuid);
    return duty !== undefined && !view.nodes.get(duty.node);
  }

  async #try(uuid: string): Promise<void> {
    const grant = this.#resumed.get(uuid) ?? (await this.#lock(uuid));
    if (!grant) return;
    this.#resumed.delete(uuid);
    try {
      await this.#attempt(uuid, grant);
      grant.release();
    } catch (error) {
      // What the store could not take keeps its locks: the next life goes on with it.
      if (!this.#over.signal.aborted) grant.release();
      throw error;
    }
  }

  /** Waits for the locks of a duty until they are those that it needs then; null when it is gone. */
  async #lock(uuid: string): Promise<Grant | null> {
    const { store, locks } = this.#parts;
    for (;;) {
      const plan = planOf(store.pending, uuid);
      if (!plan) return null;
      const options = { priority: PRIORITY, age: 0, signal: this.#over.signal };
      const grant = await locks.acquire(ownerOf(uuid), plan, options);
      if (JSON.stringify(planOf(store.pending, uuid)) === JSON.stringify(plan)) return grant;
      grant.release();
    }
  }

  async #attempt(uuid: string, grant: Grant): Promise<void> {
    const { store, log, clock } = this.#parts;
    const before = store.pending.duty(uuid);
    if (!before) return;
    const node = store.pending.nodes.get(before.node);
    if (!node) return this.#gone(before, 'void', 'the node is not of the cluster any more');
    const isGoingOn = before.locks !== null;
    const duty = isGoingOn ? before : { ...before, tries: before.tries + 1, locks: [...grant.locks] };
    const left = duty.calls.filter((call) => 'params' in this.#judge(call, node));
    if (left.length === 0) return this.#gone(duty, 'void', this.#whyVoid(duty.calls, node));
    if (!isGoingOn) await store.commit({ job: null }, () => [put('duty', duty)]);
    try {
      for (const [index, call] of duty.calls.entries()) await this.#make(duty, node, call, index);
    } catch (error) {
      if (this.#over.signal.aborted) throw error;
      const next_try = clock.seconds() + pauseAfter(duty.tries);
      const last_error = shortened(errorText(error));
      log.info(
        { duty: uuid, node: node.name, tries: duty.tries, reason: last_error },
        'a duty is not done yet',
      );
      await store.commit({ job: null }, (view) =>
        view.duty(uuid) ? [put('duty', { ...duty, locks: null, next_try, last_error })] : [],
      );
      this.look();
      return;
    }
    await this.#gone(duty, 'done', 'it is done');
  }

  async #make(duty: Duty, node: Node, call: DutyCall, index: number): Promise<void> {
    const judgement = this.#judge(call, node);
    if ('void' in judgement) return;
    const id = `duty/${duty.uuid}/${duty.tries}/${index}`;
    await this.#parts.nodes.call(node, call.call as CallName, judgement.params as never, {
      id,
      ends: duty.scope,
    });
  }

  #judge(call: DutyCall, node: Node) {
    const { store, runtime } = this.#parts;
    return judge(call, { view: store.pending, runtime, node: node.uuid });
  }

  #whyVoid(calls: readonly DutyCall[], node: Node): string {
    const judgements = calls.map((call) => this.#judge(call, node));
    return judgements.flatMap((each) => ('void' in each ? [each.void] : [])).join('; ');
  }

  async #gone(duty: Duty, how: 'done' | 'void', why: string): Promise<void> {
    const { store, log } = this.#parts;
    log.info({ duty: duty.uuid, job: duty.job, name: duty.name, why }, `a duty is ${how}`);
    await store.commit({ job: null }, (view) => (view.duty(duty.uuid) ? [remove('duty', duty.uuid)] : []));
  }
}

function ownerOf(uuid: string): string {
  return `duty/${uuid}`;
}

/** The locks of a duty: its instances under the names that they have now, and its node; null when it is gone. */
function planOf(view: ClusterView, uuid: string): LockPlan | null {
  const duty = view.duty(uuid);
  if (!duty) return null;
  const names = new Set(duty.instances);
  const [kind, object = ''] = duty.about.split(' ');
  const user = kind === 'disk' ? (view.disk(object)?.instance ?? '') : object;
  const instance = view.instances.get(user);
  if (instance) names.add(instance.name);
  const node = view.nodes.get(duty.node);
  const plan: LockWish[] = [{ level: 'cluster', names: [CLUSTER_LOCK], mode: 'shared' }];
  if (names.size > 0) plan.push({ level: 'instance', names: [...names].sort(), mode: 'exclusive' });
  if (node) plan.push({ level: 'node', names: [node.name], mode: 'shared' });
  return plan;
}
