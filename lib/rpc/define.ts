import type * as z from 'zod';

/**
 * A call that the master can make on a node worker. Master and workers of neighbouring releases work together (see CONTRACT in wire.ts),
 * so parameters and results may only change in ways that the other side tolerates.
 */
export interface CallDefinition<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** One sentence, for the docs. */
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /**
   * The parameters in the form of the version of the protocol before this one. Workers that have that version, and those whose version is not
   * known yet, are sent this form; so `params` must accept it too.
   */
  readonly older?: (params: z.infer<P>) => unknown;
  /** Whether it changes the node: then it carries the id of its step, and the worker records its outcome in a journal. */
  readonly mutates: boolean;
  /**
   * Whether it ends early when its job is canceled. Only for a call that takes long, whose handler observes its signal, and whose
   * half-done work is reversed by the undo of its step or can stay as it is. By default a call runs to its end.
   */
  readonly cancellable?: true;
  /** Milliseconds for which the master waits for the answer, or for progress; some calls wait for guests and scripts. */
  readonly timeout: number;
}

/** Defines a call; names are `noun.verb`. */
export function defineCall<P extends z.ZodType, R extends z.ZodType>(
  call: CallDefinition<P, R>,
): CallDefinition<P, R> {
  return call;
}

/** The parameters of a call's definition. */
export type CallParams<C> = C extends CallDefinition<infer P, z.ZodType> ? z.infer<P> : never;
/** The result of a call's definition. */
export type CallResult<C> = C extends CallDefinition<z.ZodType, infer R> ? z.infer<R> : never;
