import * as z from 'zod';
import { ErrorCodeText } from '../base/error-code-text.ts';
import { Progress } from '../model/progress.ts';
import { CallOrder } from './order.ts';
import { RuntimeFacts } from './types.ts';

/**
 * What goes over the wire: `POST /call/NAME` with a CallRequest, answered (always with status 200) by a CallAnswer. Where the client takes LINES,
 * the answer of a call that tells how far it is comes as lines of JSON: a ProgressLine each time, and the CallAnswer at the end.
 * `GET /facts` is answered by a stream of RuntimeFacts, one JSON text a line: all facts at once, again after each change,
 * and at least every HEARTBEAT milliseconds. `GET /stream/ID` is for workers of other nodes: it is answered by the data that
 * the master let this worker offer to that one.
 */
export const CallRequest = z.strictObject({
  /** The id of the step that makes the call; only of calls that change the node. */
  id: z.string().nullable(),
  /** Where it stands among all calls, so that it is refused when it is late; only of calls that change the node. */
  order: CallOrder.optional(),
  /** How the ids begin of the calls that are to be ended first if they are still under way. */
  ends: z.string().optional(),
  params: z.unknown(),
});
export type CallRequest = z.infer<typeof CallRequest>;

export const CallAnswer = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: ErrorCodeText, message: z.string() }).optional(),
  /** The facts after a call that changes the node, so that the master sees at once what it did. */
  facts: RuntimeFacts.optional(),
});
export type CallAnswer = z.infer<typeof CallAnswer>;

/** A line that comes before the answer. */
export const ProgressLine = z.object({ progress: Progress });
export type ProgressLine = z.infer<typeof ProgressLine>;

/** The media type of lines of JSON. */
export const LINES = 'application/x-ndjson';

/**
 * The number of the contract between master and workers; it rises with each change of it. A master and a worker whose numbers differ by
 * one work together, so that the hosts of a cluster can be upgraded one by one: what is new must be what the other side may
 * not know. Both sides name theirs in a header of every request and answer; releases before 3 did not.
 */
export const CONTRACT = 3;
export const CONTRACT_HEADER = 'merapi-contract';
const BEFORE_HEADERS = 2;

/** Why this side cannot work with one of another contract, by what its header says; null when it can. `other` is `worker` or `master`. */
export function contractTrouble(
  header: string | string[] | undefined,
  other: 'master' | 'worker',
): string | null {
  const theirs = header === undefined ? BEFORE_HEADERS : Number(header);
  if (Math.abs(theirs - CONTRACT) <= 1) return null;
  const own = other === 'worker' ? 'master' : 'worker';
  const remedy =
    theirs < CONTRACT
      ? `upgrade Merapi on the host of the ${other}`
      : `upgrade Merapi on the host of the ${own}`;
  return `the ${other} speaks contract ${theirs} and this ${own} ${CONTRACT}, and only neighbouring ones work together: ${remedy}`;
}

export const HEARTBEAT = 5_000;

/** The port that a node worker listens on where nothing else is said. */
export const DEFAULT_NODE_PORT = 1811;
