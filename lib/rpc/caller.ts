import type { Failure } from '../base/errors.ts';
import type { Node } from '../model/node.ts';
import type { Tell } from '../model/progress.ts';
import type { CallName, ParamsOf, ResultOf } from './registry.ts';

/** How one call of a fan-out ended. */
export type Outcome<R> = { result: R } | { failure: Failure };

/** How a call is made. */
export interface CallOptions {
  /** Of a call that changes the node, the step that makes it: repeated with the same id it gives the first outcome. */
  id?: string;
  /** How the ids of other calls begin that are ended first, if they are under way there. */
  ends?: string;
  /**
   * Ends a call that is cancellable on the node, whose outcome counts in any case: one that was faster succeeds. A call that changes nothing is
   * given up at once. Its reason is what the call fails with.
   */
  signal?: AbortSignal | undefined;
  /** Hears how far the call is, a few times in a second at most. */
  tell?: Tell | undefined;
}

/** What units need of the connection to the nodes. */
export interface NodeCaller {
  /**
   * Makes one call. A node that is marked offline is not asked.
   * @throws MerapiError the worker's own failure; node_unreachable or timeout when the call is given up: then the worker does not
   * begin it once it has got a later one; and the reason of the signal
   */
  call<N extends CallName>(
    node: Node,
    name: N,
    params: ParamsOf<N>,
    options?: CallOptions,
  ): Promise<ResultOf<N>>;
  /** Makes a call on several nodes at once: one outcome each, by uuid; never throws. */
  callAll<N extends CallName>(
    nodes: readonly Node[],
    name: N,
    params: ParamsOf<N>,
  ): Promise<Map<string, Outcome<ResultOf<N>>>>;
}
