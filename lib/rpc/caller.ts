import type { Failure } from '../base/errors.ts';
import type { Node } from '../model/node.ts';
import type { Tell } from '../model/progress.ts';
import type { CallName, ParamsOf, ResultOf } from './registry.ts';

/** How a call of callAll() ended on one node. */
export type Outcome<R> = { result: R } | { failure: Failure };

/** Options of one call. */
export interface CallOptions {
  /** For a call that changes the node, the id of its step: a call that is repeated with the same id returns the first outcome. */
  id?: string;
  /** A prefix of ids: calls under way on the node whose ids begin with it are ended before this one begins. */
  ends?: string;
  /**
   * Ends a cancellable call on the node; the outcome that the node reports counts, so one that was faster succeeds. A call that changes
   * nothing is given up at once, and fails with the signal's reason.
   */
  signal?: AbortSignal | undefined;
  /** Receives the progress of the call, at most a few times per second. */
  tell?: Tell | undefined;
}

/** Makes calls on nodes. */
export interface NodeCaller {
  /**
   * Makes one call. A node that is marked offline is not contacted.
   * @throws MerapiError the worker's own failure; node_unreachable (also when offline) or timeout when the call is given up: a worker that
   * has received a later call does not begin it any more; and the reason of the signal
   */
  call<N extends CallName>(
    node: Node,
    name: N,
    params: ParamsOf<N>,
    options?: CallOptions,
  ): Promise<ResultOf<N>>;
  /** Makes a call on several nodes in parallel; returns the outcome of each by uuid, and never rejects. */
  callAll<N extends CallName>(
    nodes: readonly Node[],
    name: N,
    params: ParamsOf<N>,
  ): Promise<Map<string, Outcome<ResultOf<N>>>>;
}
