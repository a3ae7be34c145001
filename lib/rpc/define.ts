import type * as z from 'zod';

/** One call that a master may make on a node worker. */
export interface CallDefinition<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** One sentence, for the docs. */
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /** Whether it changes the node: then it carries a step's id and the worker journals its outcome. */
  readonly mutates: boolean;
  /**
   * Whether it ends early when the job that makes it is cancelled: it takes long, its handler looks at its signal, and what it leaves half done is
   * reversed by the undo of its step or can stay as it is. By default it goes on to its end.
   */
  readonly cancellable?: true;
  /** Milliseconds that the master waits for the answer; some calls wait for guests and scripts. */
  readonly timeout: number;
}

/** Defines a call; names are `noun.verb`. */
export function defineCall<P extends z.ZodType, R extends z.ZodType>(
  call: CallDefinition<P, R>,
): CallDefinition<P, R> {
  return call;
}

export type CallParams<C> = C extends CallDefinition<infer P, z.ZodType> ? z.infer<P> : never;
export type CallResult<C> = C extends CallDefinition<z.ZodType, infer R> ? z.infer<R> : never;
