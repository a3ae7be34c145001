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

/** What a unit may look at while it checks. */
export interface CheckContext {
  readonly view: ClusterView;
  readonly runtime: RuntimeView;
  /** For calls that change nothing. */
  readonly nodes: NodeCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: Resolver;
  readonly seal: Seal;
  /** Stores values that checking fills in (null takes one away); they stand in the job from then on, also when it fails. */
  resolve(values: Record<string, Json>): void;
  /** Adds a line to the job's log. */
  log(text: string): void;
}

/** Makes changes from the state that they apply to. */
export type Build = (view: ClusterView) => readonly Change[];

/** What a step may use. */
export interface StepTools {
  readonly view: ClusterView;
  readonly runtime: RuntimeView;
  readonly nodes: NodeCaller;
  /** Fires when the job is cancelled, which stops it before its next step: a step that only waits must not wait on. */
  readonly cancel: AbortSignal;
  /** Tells how far the step is, where it takes long. */
  readonly tell: Tell;
}

/**
 * What a unit does its work with. Each step has a name that is unique in its opcode; its outcome is on disk before anything
 * that follows has an effect, and after a crash the unit runs again from its top while finished steps answer from the
 * journal. An undo reverses its step when the opcode fails; it must also succeed when there is nothing to reverse.
 */
export interface RunContext {
  readonly clock: Clock;
  readonly seal: Seal;
  /** Adds a line to the job's log, by default for people. */
  log(text: string, type?: LogType): void;
  /** Does something with an effect outside the store, or that would not come out the same twice; answers JSON or nothing. */
  step<T>(
    name: string,
    action: (tools: StepTools) => Promise<T> | T,
    undo?: (tools: StepTools) => Promise<void>,
  ): Promise<T>;
  /**
   * Makes one call on a node as a step; the calls of `undo`, made on the same node in this order, reverse it. When the job is cancelled, a call
   * that is cancellable ends, and what it tells of its progress stands in the job.
   */
  call<N extends CallName>(
    name: string,
    node: Node,
    call: N,
    params: ParamsOf<N>,
    undo?: readonly UndoCall[],
  ): Promise<CallResultOf<N>>;
  /**
   * Makes one call on a node as a step that takes away what nothing needs any more. Where that cannot be done now, the opcode goes on,
   * and the call becomes a duty: it is made when the node answers, unless the cluster uses the object again by then.
   */
  attempt<N extends OwedCall>(
    name: string,
    node: Node,
    call: N,
    params: ParamsOf<N>,
    options?: AttemptOptions,
  ): Promise<void>;
  /** Says that what follows cannot be reversed: a cancel that comes from now on is too late, and the opcode goes on to its end. */
  noReturn(): void;
  /** Changes the cluster as a step: its record and the changes are one transaction. */
  commit(name: string, build: Build, undo?: Build): Promise<void>;
}

/** The calls that can be made later: they are right whatever has happened meanwhile, or can be seen not to be. */
export type OwedCall =
  | 'backup.discard'
  | 'certificate.remove'
  | 'disk.activate'
  | 'disk.deactivate'
  | 'disk.remove'
  | 'instance.forget'
  | 'instance.stop';

interface AttemptOptions {
  /** What reverses the call where it was made and the opcode fails. */
  undo?: readonly UndoCall[];
  /** Whether it is a failure of the opcode that the node itself refuses; not that it does not answer. */
  refusable?: boolean;
}

/** One of the calls that reverse a call on the same node. */
export type UndoCall = { [N in CallName]: { call: N; params: ParamsOf<N> } }[CallName];

/** How a unit ends: its result, and the changes that belong to the end of the opcode, in one transaction with it. */
export interface Done<R> {
  result: R;
  changes?: Build;
  /** Values of the opcode that its job shows from now on; `jobs` are the opcodes of its jobs as they are submitted. */
  shown?(jobs: readonly (readonly OpInput[])[]): Readonly<Record<string, Json>>;
  /**
   * Jobs to be submitted, each a list of opcodes, in the same transaction. The result is then an object, and gets their numbers
   * as `jobs`: [[true, id], …].
   */
  jobs?: readonly (readonly OpInput[])[];
}

/** What scripts of the administrator are told of an opcode, and where they run before and after it. */
export interface Hooks {
  /** Ganeti's name of the hook, e.g. instance-add. */
  name: string;
  object: 'CLUSTER' | 'GROUP' | 'INSTANCE' | 'NETWORK' | 'NODE';
  /** The name of what it is done to. */
  target: string;
  /** By name without GANETI_; no secrets. */
  env: Readonly<Record<string, unknown>>;
  /** The nodes by uuid. */
  pre: readonly string[];
  post: readonly string[];
}

/** How an opcode is done. */
export interface Unit<O, F> {
  /**
   * Rises when a job that an older release began cannot go on with this one: when steps, or what `check` answers, are others. By
   * default 1.
   */
  readonly version?: number;
  /** Whether its check looks at expected uuids itself (checkExpectedUuids), after what its job shows in any case; others come after that. */
  readonly checksUuids?: true;
  /** Says whether and how it can be done, changing nothing; what it answers is stored and must hold no secret. */
  check(context: CheckContext, params: ValuesOf<O> & CommonValues): Promise<F> | F;
  /**
   * Looks before a job begins whether this opcode, which comes after `before` in the job, will fail whatever those do; it changes
   * nothing. What may come out otherwise by then is left to `check`. @throws MerapiError
   */
  foresee?(
    context: CheckContext,
    params: ValuesOf<O> & CommonValues,
    before: readonly OpInput[],
  ): Promise<void> | void;
  /**
   * Its hooks, if it has any: asked with the state after the check, and with that after the changes, where null says that there is
   * nothing to be told any more.
   */
  hooks?(view: ClusterView, facts: F, params: ValuesOf<O> & CommonValues): Hooks | null;
  /** What a dry run answers instead of the result; null where nothing is said. */
  dryRun?(facts: F): Json;
  /** Does it. Reads the cluster only inside steps: everything else comes from the facts. */
  run(context: RunContext, facts: F, params: ValuesOf<O> & CommonValues): Promise<Done<ResultOf<O>>>;
}

/** A unit with the opcode that it does, so that none can stand in the place of another. */
export type UnitFor<O, F> = Unit<O, F> & { readonly opcode: O };

// biome-ignore-start lint/suspicious/noExplicitAny: of any parameters, result and facts
/** Defines the unit of an opcode. */
export function defineUnit<O extends Opcode<string, any, any>, F>(
  opcode: O,
  unit: Unit<O, F>,
): UnitFor<O, F> {
  return { opcode, ...unit };
}

/** The unit of an opcode, whatever its facts are. */
export type SomeUnitFor<O> = UnitFor<O, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: of any parameters, result and facts
