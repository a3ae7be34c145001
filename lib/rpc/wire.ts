// The protocol between master and node workers, over HTTPS with certificates of the cluster's authority on both sides:
//
// | request | by | answer |
// | --- | --- | --- |
// | `POST /call/NAME` with a CallRequest | the master | 200 with a CallAnswer, which may be a failure. With `Accept: application/x-ndjson` the answer may be lines of JSON: ProgressLines, then the CallAnswer |
// | `GET /facts` | the master | a stream of RuntimeFacts as lines of JSON: at once, after each change, and at least every HEARTBEAT ms |
// | `GET /stream/ID` | the worker of another node | data that the master made this worker offer to that node (streams.ts) |
//
// Releases whose CONTRACT differs by one must work together, so that hosts can be upgraded one by one.
import * as z from 'zod';
import { ErrorCodeText } from '../base/error-code-text.ts';
import { Progress } from '../model/progress.ts';
import { CallOrder } from './order.ts';
import { RuntimeFacts } from './types.ts';

/** The body of a call. */
export const CallRequest = z.strictObject({
  /** The id of the step that makes the call; null for calls that do not change the node. */
  id: z.string().nullable(),
  /** The position among all calls, by which late ones are refused; only for calls that change the node. */
  order: CallOrder.optional(),
  /** A prefix of ids: calls under way whose ids begin with it are ended first. */
  ends: z.string().optional(),
  params: z.unknown(),
});
export type CallRequest = z.infer<typeof CallRequest>;

/** The answer to a call: a result or an error. */
export const CallAnswer = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: ErrorCodeText, message: z.string(), detail: z.string().optional() }).optional(),
  /** The facts after a call that changes the node, so that the master sees its effect at once. */
  facts: RuntimeFacts.optional(),
});
export type CallAnswer = z.infer<typeof CallAnswer>;

/** A line before the answer. */
export const ProgressLine = z.object({ progress: Progress });
export type ProgressLine = z.infer<typeof ProgressLine>;

/** The media type of lines of JSON. */
export const LINES = 'application/x-ndjson';

/**
 * The version of this protocol and of all calls; increment it with each change. Each side sends its version in a header of every
 * request and answer; releases before 3 sent none. New things must be optional, since versions that differ by one work together.
 */
export const CONTRACT = 3;
export const CONTRACT_HEADER = 'merapi-contract';
const BEFORE_HEADERS = 2;

/** The version in the header of the other side; NaN when it is not a number. */
export function contractOf(header: string | string[] | undefined): number {
  return header === undefined ? BEFORE_HEADERS : Number(header);
}

/** Why this side cannot work with the version in the other side's header; null when it can. */
export function contractMismatch(
  header: string | string[] | undefined,
  other: 'master' | 'worker',
): string | null {
  const theirs = contractOf(header);
  if (Math.abs(theirs - CONTRACT) <= 1) return null;
  const own = other === 'worker' ? 'master' : 'worker';
  const remedy =
    theirs < CONTRACT
      ? `upgrade Merapi on the host of the ${other}`
      : `upgrade Merapi on the host of the ${own}`;
  return `the ${other} has version ${theirs} of the protocol and this ${own} ${CONTRACT}; versions may differ by one: ${remedy}`;
}

/** The longest pause between two lines of GET /facts, in milliseconds. */
export const HEARTBEAT = 5_000;

/** The port of node workers by default. */
export const DEFAULT_NODE_PORT = 1811;
