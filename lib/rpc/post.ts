import { type Agent, type Dispatcher, request } from 'undici';
import { MerapiError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { Tell } from '../model/progress.ts';
import type { CallName } from './registry.ts';
import { CallAnswer, CONTRACT, CONTRACT_HEADER, contractTrouble, LINES, ProgressLine } from './wire.ts';

/** How long it may take to reach a node, in milliseconds. */
export const CONNECT = 5_000;

/** The most characters of a line of progress, and how one begins. */
const LONGEST_LINE = 4096;
const PROGRESS = '{"progress":';

/** Where a node's worker listens. */
export interface Endpoint {
  host: string;
  port: number;
}

/** Whom a call goes to. */
export interface Receiver {
  /** The name of the node. */
  node: string;
  endpoint: Endpoint;
  agent: Agent;
  signal: AbortSignal;
}

/** One attempt at a call. */
export interface Attempt {
  name: CallName;
  body: string;
  /** Milliseconds without a sign of life after which it is given up. */
  timeout: number;
  /** Gives it up. */
  signal?: AbortSignal | undefined;
  /** Hears how far it is. */
  tell?: Tell | undefined;
}

/**
 * Makes one attempt at a call.
 * @throws MerapiError wrong_state when the worker's release does not work with this one, node_unreachable when it refuses the call otherwise; and
 * errors of the connection
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
  const trouble = contractTrouble(response.headers[CONTRACT_HEADER], 'worker');
  if (trouble !== null) {
    await response.body.dump();
    throw new MerapiError('wrong_state', trouble);
  }
  const isLines = tell !== undefined && response.headers['content-type'] === LINES;
  const text = isLines ? await answerIn(response.body, tell) : await response.body.text();
  if (response.statusCode !== 200)
    throw new MerapiError('node_unreachable', `Node ${node} refused the call: status ${response.statusCode}`);
  return CallAnswer.parse(parseJson(text));
}

/** The answer proper among lines of JSON; those before it tell how far the call is. */
async function answerIn(body: Dispatcher.ResponseData['body'], tell: Tell): Promise<string> {
  const decoder = new TextDecoder();
  let [answer, rest] = ['', ''];
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    rest += first;
    for (const next of others) {
      if (rest.startsWith(PROGRESS)) hear(rest, tell);
      else answer = rest;
      rest = next;
    }
  }
  return answer;
}

/** Tells what a line of progress says. What is not understood of it is not told: it is no more than a comfort. */
function hear(line: string, tell: Tell): void {
  const parsed = line.length <= LONGEST_LINE ? ProgressLine.safeParse(JSON.parse(line)) : null;
  if (parsed?.success) tell(parsed.data.progress);
}

/** A host as URLs have it. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
