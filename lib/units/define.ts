// What a unit is: the code that does one opcode. The runner (lib/jobs/perform.ts) calls its members in this order:
//   foresee  of the later opcodes of a job, before the first one is checked
//   check    reads the cluster and asks nodes, changes nothing; returns the facts, which are stored in the journal
//   hooks    after the check and, where hooks run after the opcode, again after its changes
//   dryRun   instead of run, in a dry run
//   run      does the work in named steps, from the facts
// After a crash the unit runs again from its top, and finished steps return what the journal has of them. So the names of steps and
// the fields of facts are a stored format: whoever changes either increments `version`.

import type { Clock } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import type { Resolver } from '../base/resolver.ts';
import type { Seal } from '../base/seal.ts';
import type { LogType, OpInput } from '../model/job.ts';
import type { Node } from '../model/node.ts';
import type { Tell } from '../model/progress.ts';
import type { ClusterView } from '../model/view.ts';
import type { CommonValues, Opcode, ResultOf, ValuesOf } from '../opcodes/define.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import type { CallName, ResultOf as CallResultOf, ParamsOf } from '../rpc/registry.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Change } from '../store/changes.ts';

/** What a unit can use while it checks. */
export interface CheckContext {
  readonly view: ClusterView;
  readonly runtime: RuntimeView;
  /** Only for calls that change nothing. */
  readonly nodes: NodeCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: Resolver;
  readonly seal: Seal;
  /** Stores values that the check fills into the opcode (null removes one); the job shows them from then on, also when it fails. */
  resolve(values: Record<string, Json>): void;
  /** Adds a line to the job's log. */
  log(text: string): void;
}

/** Builds changes from the state that they apply to, inside the transaction that writes them. */
export type Build = (view: ClusterView) => readonly Change[];

/** What a step can use. */
export interface StepTools {
  readonly view: ClusterView;
  readonly runtime: RuntimeView;
  readonly nodes: NodeCaller;
  /** Fires when the job is cancelled. The job stops before its next step by itself; a step that only waits must end its wait. */
  readonly cancel: AbortSignal;
  /** Reports the progress of a long step. */
  readonly tell: Tell;
}

/**
 * What a unit does its work with. Each step has a name that is unique in its opcode. Its outcome is durable before any later step
 * has an effect outside the store; after a crash the unit runs again from its top, and finished steps return their outcome from the
 * journal. An undo reverses its step when the opcode fails; it must also succeed when there is nothing to reverse.
 */
export interface RunContext {
  readonly clock: Clock;
  readonly seal: Seal;
  /** Adds a line to the job's log, by default one for people. */
  log(text: string, type?: LogType): void;
  /** Does something with an effect outside the store, or whose result is not reproducible. Returns JSON or nothing, without secrets. */
  step<T>(
    name: string,
    action: (tools: StepTools) => Promise<T> | T,
    undo?: (tools: StepTools) => Promise<void>,
  ): Promise<T>;
  /**
   * Makes one call on a node as a step; the calls of `undo`, made on the same node in this order, reverse it. When the job is
   * cancelled, a cancellable call ends early. The job shows the progress that the call reports.
   */
  call<N extends CallName>(
    name: string,
    node: Node,
    call: N,
    params: ParamsOf<N>,
    undo?: readonly UndoCall[],
  ): Promise<CallResultOf<N>>;
  /**
   * Makes one call on a node as a step that removes what nothing needs any more. If it fails, the opcode goes on, and the call
   * becomes a duty: it is made when the node answers, unless the cluster uses the object again by then.
   */
  attempt<N extends OwedCall>(
    name: string,
    node: Node,
    call: N,
    params: ParamsOf<N>,
    options?: AttemptOptions,
  ): Promise<void>;
  /** Marks the point of no return: a cancel that comes later has no effect, and the opcode goes on to its end. */
  noReturn(): void;
  /** Changes the cluster as a step: the record of the step and the changes are one transaction. */
  commit(name: string, build: Build, undo?: Build): Promise<void>;
}

/**
 * The calls that can be made later, as duties: for each of them lib/jobs/duties/rules.ts decides from the cluster's state whether it
 * is still right.
 */
export type OwedCall =
  | 'backup.discard'
  | 'certificate.remove'
  | 'disk.activate'
  | 'disk.deactivate'
  | 'disk.remove'
  | 'instance.forget'
  | 'instance.stop';

interface AttemptOptions {
  /** The calls that reverse it when the opcode fails. */
  undo?: readonly UndoCall[];
  /** Whether the opcode fails when the node refuses the call. If the node does not answer, the call still becomes a duty. */
  refusable?: boolean;
}

/** One of the calls that reverse a call on the same node. */
export type UndoCall = { [N in CallName]: { call: N; params: ParamsOf<N> } }[CallName];

/** How a unit ends: its result, and its last changes, which are written in one transaction with the result. */
export interface Done<R> {
  result: R;
  changes?: Build;
  /** Values that the job shows for the opcode from now on; `jobs` are the submitted opcodes of the jobs below. */
  shown?(jobs: readonly (readonly OpInput[])[]): Readonly<Record<string, Json>>;
  /**
   * Jobs to be submitted in the same transaction, each a list of opcodes. The result is then an object, whose member `jobs` gets
   * their numbers: [[true, id], …].
   */
  jobs?: readonly (readonly OpInput[])[];
}

/** What the administrator's hook scripts get for an opcode, and the nodes on which they run before and after it. */
export interface Hooks {
  /** Ganeti's name of the hook, e.g. instance-add. */
  name: string;
  object: 'CLUSTER' | 'GROUP' | 'INSTANCE' | 'NETWORK' | 'NODE';
  /** The name of the object. */
  target: string;
  /** Environment variables by their names without GANETI_; no secrets. */
  env: Readonly<Record<string, unknown>>;
  /** The uuids of the nodes on which scripts run before the opcode. */
  pre: readonly string[];
  /** The uuids of the nodes on which scripts run after it. */
  post: readonly string[];
}

/** How an opcode is done. `F` is the type of its facts. */
export interface Unit<O, F> {
  /**
   * Increment it when a job that an older release began cannot go on with this code: when the steps or the facts change. Default: 1.
   */
  readonly version?: number;
  /**
   * Whether `check` calls checkExpectedUuids() itself, after it has resolved what the job shows in any case. For all other units the
   * runner calls it before `check`.
   */
  readonly checksUuids?: true;
  /**
   * Decides whether and how the opcode can be done, and changes nothing. The facts that it returns are stored, so they must be JSON
   * and must contain no secrets. @throws MerapiError
   */
  check(context: CheckContext, params: ValuesOf<O> & CommonValues): Promise<F> | F;
  /**
   * Called before a job begins: fails if this opcode, which comes after `before` in the job, will fail whatever those do. It changes
   * nothing, and leaves to `check` what they can still influence. @throws MerapiError
   */
  foresee?(
    context: CheckContext,
    params: ValuesOf<O> & CommonValues,
    before: readonly OpInput[],
  ): Promise<void> | void;
  /**
   * Its hooks, if it has any. Called with the state after the check, and again with that after the changes; there null means that
   * the object is gone.
   */
  hooks?(view: ClusterView, facts: F, params: ValuesOf<O> & CommonValues): Hooks | null;
  /** The result of a dry run; without it that is null. */
  dryRun?(facts: F): Json;
  /** Does the work. It reads the cluster only inside steps: everything else comes from the facts. @throws MerapiError */
  run(context: RunContext, facts: F, params: ValuesOf<O> & CommonValues): Promise<Done<ResultOf<O>>>;
}

/** A unit with the opcode that it does, so that the compiler finds a unit registered for the wrong opcode. */
export type UnitFor<O, F> = Unit<O, F> & { readonly opcode: O };

// biome-ignore-start lint/suspicious/noExplicitAny: of any parameters, result and facts
/** Defines the unit of an opcode; the types of its parameters and of its result come from the opcode. */
export function defineUnit<O extends Opcode<string, any, any>, F>(
  opcode: O,
  unit: Unit<O, F>,
): UnitFor<O, F> {
  return { opcode, ...unit };
}

/** The unit of an opcode, with facts of any type. */
export type SomeUnitFor<O> = UnitFor<O, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: of any parameters, result and facts
