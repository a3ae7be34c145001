import { type Agent, request } from 'undici';
import { MerapiError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { CallName } from './registry.ts';
import { CallAnswer } from './wire.ts';

/** How long it may take to reach a node, in milliseconds. */
export const CONNECT = 5_000;

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

/**
 * Makes one attempt at a call; its time is in milliseconds.
 * @throws MerapiError node_unreachable when the node refuses it, and errors of the connection
 */
export async function post(
  { node, endpoint, agent, signal }: Receiver,
  name: CallName,
  body: string,
  timeout: number,
): Promise<CallAnswer> {
  const response = await request(`https://${urlHost(endpoint.host)}:${endpoint.port}/call/${name}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    dispatcher: agent,
    signal,
    headersTimeout: timeout,
    bodyTimeout: timeout,
  });
  const text = await response.body.text();
  if (response.statusCode !== 200)
    throw new MerapiError('node_unreachable', `Node ${node} refused the call: status ${response.statusCode}`);
  return CallAnswer.parse(parseJson(text));
}

/** A host as URLs have it. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
