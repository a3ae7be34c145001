// Retries duties: calls on nodes that a job owes (lib/jobs/duties/owed.ts makes them, lib/jobs/duties/rules.ts judges them).
//
// | state of a duty | how it is stored | next |
// | --- | --- | --- |
// | waiting | `locks` is null | tried: the node answers, and it began to do so just now or the pause is over; then its locks are acquired |
// | tried | `locks` is what it holds | waiting: a call failed, the pause grows; gone: all calls were made |
// | gone | removed | – : it was done, had become void, or an administrator gave it up |
//
// A try is durable, with its locks, before its first call: after a crash it gets its locks back before any job runs and repeats its
// calls with the same ids. Before each call the state of the cluster is judged under the locks, so what is used again is not touched.
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

/** Below every priority of a job (-20 to 19), so that duties never delay a job that waits for the same locks. */
const PRIORITY = 20;

/** Pauses between tries, in seconds: they double up to LONGEST_PAUSE, and after MANY_TRIES further up to LONGEST_LATE_PAUSE. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 60;
const MANY_TRIES = 20;
const LONGEST_LATE_PAUSE = 3600;

/** The pause before the next try, in seconds, when this many have failed. */
function pauseAfter(tries: number): number {
  if (tries <= MANY_TRIES) return Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE);
  return Math.min(LONGEST_PAUSE * 2 ** (tries - MANY_TRIES), LONGEST_LATE_PAUSE);
}

/** The dependencies of Duties. */
export interface DutyParts {
  /** The store as jobs see it: `pending` includes commits that are not durable yet. */
  store: Pick<JobStore, 'pending' | 'commit'>;
  locks: LockManager;
  runtime: RuntimeView;
  nodes: NodeCaller;
  clock: Clock;
  log: Logger;
}

/**
 * Retries all duties: at once when their node begins to answer, otherwise after growing pauses. The duties of one node are tried one
 * after the other, in the order in which they were made; nodes do not wait for each other.
 */
export class Duties {
  readonly #parts: DutyParts;
  readonly #stopped = new AbortController();
  /** The nodes (uuids) whose duties are being tried. */
  readonly #busy = new Set<string>();
  /** Those of them that must be checked again afterwards, because something changed meanwhile. */
  readonly #missed = new Set<string>();
  /** The duties that were being tried when the previous master process ended, with the locks that they hold. */
  readonly #resumed = new Map<string, Grant>();
  /** The nodes that have begun to answer: their duties are tried at once, whatever their pauses. */
  readonly #awake = new Set<string>();
  #timer: Timer | null = null;
  #isCheckScheduled = false;
  /** Nothing is tried before start(): the jobs must have their locks back first. */
  #hasStarted = false;

  constructor(parts: DutyParts) {
    this.#parts = parts;
  }

  /** Grants the stored locks of interrupted tries again. To be called before any job goes on. */
  resume(): void {
    for (const { uuid, locks } of this.#parts.store.pending.duties)
      if (locks) this.#resumed.set(uuid, this.#parts.locks.regrant(ownerOf(uuid), locks));
  }

  /** Starts to try duties, at first those of every node that answers. */
  start(): void {
    this.#hasStarted = true;
    for (const { node } of this.#parts.store.pending.duties) this.#awake.add(node);
    this.check();
  }

  /** To be called when a node (uuid) has begun to answer. */
  nodeAnswers(node: string): void {
    this.#awake.add(node);
    this.check();
  }

  /** Stops for good. A try under way is not ended: it keeps its stored locks and goes on after the next start. */
  stop(): void {
    this.#timer?.cancel();
    this.#stopped.abort(new MerapiError('unavailable', 'The master is stopping'));
  }

  /** Schedules one check of all duties for the next turn of the event loop, however often it is called. */
  check(): void {
    if (!this.#hasStarted || this.#isCheckScheduled || this.#stopped.signal.aborted) return;
    this.#isCheckScheduled = true;
    unattended('checking the duties', this.#parts.log, async () => {
      await setImmediate();
      this.#isCheckScheduled = false;
      this.#checkNow();
    });
  }

  #checkNow(): void {
    if (this.#stopped.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = null;
    const { duties } = this.#parts.store.pending;
    if (duties.length === 0) {
      this.#awake.clear();
      return;
    }
    // Both below use the same time: a duty that #serve finds not due yet must be covered by the timer.
    const now = this.#parts.clock.seconds();
    for (const node of new Set(duties.map((duty) => duty.node)))
      if (this.#busy.has(node)) this.#missed.add(node);
      else unattended('trying the duties of a node', this.#parts.log, () => this.#serve(node, now));
    const next = Math.min(...duties.map(({ next_try }) => next_try).filter((time) => time > now));
    if (!Number.isFinite(next)) return;
    const pause = Math.min(Math.max((next - now) * 1000, 100), LONGEST_LATE_PAUSE * 1000);
    this.#timer = this.#parts.clock.timer(pause, () => this.check()).unref();
  }

  /** Tries the duties of a node that are due at `now`, one after the other. */
  async #serve(node: string, now: number): Promise<void> {
    this.#busy.add(node);
    try {
      const isAwake = this.#answers(node) && this.#awake.delete(node);
      const own = this.#parts.store.pending.duties.filter((duty) => duty.node === node);
      for (const { uuid, next_try } of own) {
        if (this.#stopped.signal.aborted) return;
        const isDue = isAwake || this.#resumed.has(uuid) || next_try <= now;
        if (isDue && (this.#answers(node) || this.#hasNoNode(uuid))) await this.#try(uuid);
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    } finally {
      this.#busy.delete(node);
      if (this.#missed.delete(node)) this.check();
    }
  }

  #answers(uuid: string): boolean {
    const node = this.#parts.store.pending.nodes.get(uuid);
    return node !== undefined && !node.offline && this.#parts.runtime.of(uuid) !== null;
  }

  /** Whether the node of a duty has been removed from the cluster. */
  #hasNoNode(uuid: string): boolean {
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
      // Stopped because the store failed: the try keeps its locks, and the next start goes on with it.
      if (!this.#stopped.signal.aborted) grant.release();
      throw error;
    }
  }

  /** Acquires the locks of a duty, again when its plan has changed while it waited; null when the duty is gone. */
  async #lock(uuid: string): Promise<Grant | null> {
    const { store, locks } = this.#parts;
    for (;;) {
      const plan = planOf(store.pending, uuid);
      if (!plan) return null;
      const options = { priority: PRIORITY, age: 0, signal: this.#stopped.signal };
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
    if (!node) return this.#remove(before, 'void', 'the node has left the cluster');
    const isGoingOn = before.locks !== null;
    const duty = isGoingOn ? before : { ...before, tries: before.tries + 1, locks: [...grant.locks] };
    const left = duty.calls.filter((call) => 'params' in this.#judge(call, node));
    if (left.length === 0) return this.#remove(duty, 'void', this.#whyVoid(duty.calls, node));
    if (!isGoingOn) await store.commit({ job: null }, () => [put('duty', duty)]);
    try {
      for (const [index, call] of duty.calls.entries()) await this.#make(duty, node, call, index);
    } catch (error) {
      if (this.#stopped.signal.aborted) throw error;
      const next_try = clock.seconds() + pauseAfter(duty.tries);
      const last_error = shortened(errorText(error));
      log.info(
        { duty: uuid, node: node.name, tries: duty.tries, reason: last_error },
        'a duty is not done yet',
      );
      await store.commit({ job: null }, (view) =>
        view.duty(uuid) ? [put('duty', { ...duty, locks: null, next_try, last_error })] : [],
      );
      this.check();
      return;
    }
    await this.#remove(duty, 'done', 'all calls were made');
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

  async #remove(duty: Duty, how: 'done' | 'void', why: string): Promise<void> {
    const { store, log } = this.#parts;
    log.info({ duty: duty.uuid, job: duty.job, name: duty.name, why }, `a duty is ${how}`);
    await store.commit({ job: null }, (view) => (view.duty(duty.uuid) ? [remove('duty', duty.uuid)] : []));
  }
}

function ownerOf(uuid: string): string {
  return `duty/${uuid}`;
}

/**
 * The locks that a duty needs: of the instances that its job had locked, of the instance that has the object now, and of its node;
 * null when the duty is gone.
 */
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
