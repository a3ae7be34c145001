import { type Agent, type Dispatcher, request } from 'undici';
import { MerapiError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { Tell } from '../model/progress.ts';
import type { CallName } from './registry.ts';
import { CallAnswer, CONTRACT, CONTRACT_HEADER, contractMismatch, LINES, ProgressLine } from './wire.ts';

/** How long it may take to connect to a node, in milliseconds. */
export const CONNECT = 5_000;

/** The longest line of progress, in characters, and its beginning, which distinguishes it from the answer. */
const LONGEST_LINE = 4096;
const PROGRESS = '{"progress":';

/** Where a node's worker listens. */
export interface Endpoint {
  host: string;
  port: number;
}

/** The worker that receives a call. */
export interface Receiver {
  /** The name of the node. */
  node: string;
  endpoint: Endpoint;
  agent: Agent;
  signal: AbortSignal;
}

/** One attempt to make a call. */
export interface Attempt {
  name: CallName;
  body: string;
  /** Milliseconds without an answer or progress after which it is given up. */
  timeout: number;
  /** Gives the attempt up. */
  signal?: AbortSignal | undefined;
  /** Receives the progress of the call. */
  tell?: Tell | undefined;
}

/**
 * Makes one attempt to make a call.
 * @returns the worker's answer, which may be a failure of the call
 * @throws MerapiError wrong_state when the worker's release is incompatible, node_unreachable when it refuses the request for another
 * reason; and errors of the connection
 */
export async function post(
  { node, endpoint, agent, signal }: Receiver,
  { name, body, timeout, tell }: Omit<Attempt, 'signal'>,
): Promise<CallAnswer> {
  const response = await request(`https://${urlHost(endpoint.host)}:${endpoint.port}/call/${name}`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      [CONTRACT_HEADER]: String(CONTRACT),
      ...(tell && { accept: LINES }),
    },
    dispatcher: agent,
    signal,
    headersTimeout: timeout,
    bodyTimeout: timeout,
  });
  const mismatch = contractMismatch(response.headers[CONTRACT_HEADER], 'worker');
  if (mismatch !== null) {
    await response.body.dump();
    throw new MerapiError('wrong_state', mismatch);
  }
  const isLines = tell !== undefined && response.headers['content-type'] === LINES;
  const text = isLines ? await answerIn(response.body, tell) : await response.body.text();
  if (response.statusCode !== 200)
    throw new MerapiError('node_unreachable', `Node ${node} refused the call: status ${response.statusCode}`);
  return CallAnswer.parse(parseJson(text));
}

/** Reads lines of JSON: reports those with progress to `tell`, and returns the line with the answer. */
async function answerIn(body: Dispatcher.ResponseData['body'], tell: Tell): Promise<string> {
  const decoder = new TextDecoder();
  let [answer, rest] = ['', ''];
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    rest += first;
    for (const next of others) {
      if (rest.startsWith(PROGRESS)) reportProgress(rest, tell);
      else answer = rest;
      rest = next;
    }
  }
  return answer;
}

/** Reports a line of progress. An invalid one is ignored: progress is only informative, and must not fail a call. */
function reportProgress(line: string, tell: Tell): void {
  const parsed = line.length <= LONGEST_LINE ? ProgressLine.safeParse(JSON.parse(line)) : null;
  if (parsed?.success) tell(parsed.data.progress);
}

/** A host in the form of URLs: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
