import * as z from 'zod';
import { errorCodes } from '../base/errors.ts';
import { CallOrder } from './order.ts';
import { RuntimeFacts } from './types.ts';

/**
 * What goes over the wire: `POST /call/NAME` with a CallRequest, answered (always with status 200) by a CallAnswer;
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
  error: z.object({ code: z.enum(errorCodes), message: z.string() }).optional(),
  /** The facts after a call that changes the node, so that the master sees at once what it did. */
  facts: RuntimeFacts.optional(),
});
export type CallAnswer = z.infer<typeof CallAnswer>;

/** Rises when a worker of before would not understand this master, or trust it. */
export const CONTRACT = 2;

export const HEARTBEAT = 5_000;

/** The port that a node worker listens on where nothing else is said. */
export const DEFAULT_NODE_PORT = 1811;
