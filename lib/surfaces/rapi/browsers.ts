// What browsers are told, and what they are kept from: security headers, CORS for the origins that `--allow-origin` names, and the
// refusal of cross-site requests that change something.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Context } from 'koa';
import { MerapiError } from '../../base/errors.ts';
import type { Method } from './resource.ts';

/** On every response: browsers must not sniff the type, cache, run or frame the content, or send a referrer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
/** The same as a list, which every response loops over. */
const securityHeaderList = Object.entries(securityHeaders);

/** Strict-Transport-Security for 30 days: browsers use only HTTPS for this host name. */
const STRICT_TRANSPORT = 'max-age=2592000';

/** The answer to a CORS preflight request of an allowed origin. */
const preflightHeaders: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Methods': 'GET, PUT, POST, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
  'Access-Control-Max-Age': '600',
};

/**
 * Protects against cross-site requests: a page of another site must not use the credentials that the browser sends by itself.
 * Clients other than browsers send none of the headers that are examined, and are not affected.
 */
export class Browsers {
  readonly #allowed: ReadonlySet<string>;
  readonly #isTls: boolean;

  /** @param allowed the origins (scheme, host and port) whose pages may do whatever their user may */
  constructor(allowed: readonly string[], isTls: boolean) {
    this.#allowed = new Set(allowed);
    this.#isTls = isTls;
  }

  /**
   * Sets the headers for browsers. Answers a CORS preflight request of an allowed origin itself; returns whether the request was one.
   */
  answer(context: Context): boolean {
    for (const [name, value] of securityHeaderList) context.res.setHeader(name, value);
    const { origin, host } = context.req.headers;
    if (this.#isTls && isName(host)) context.set('Strict-Transport-Security', STRICT_TRANSPORT);
    if (this.#allowed.size === 0) return false;
    context.set('Vary', 'Origin');
    if (origin === undefined || !this.#allowed.has(origin)) return false;
    context.set('Access-Control-Allow-Origin', origin);
    context.set('Access-Control-Allow-Credentials', 'true');
    context.set('Access-Control-Expose-Headers', 'Retry-After, WWW-Authenticate');
    if (context.method !== 'OPTIONS' || !context.get('Access-Control-Request-Method')) return false;
    for (const [name, value] of Object.entries(preflightHeaders)) context.set(name, value);
    context.status = 204;
    return true;
  }

  /** @throws MerapiError forbidden when a page of another site sends a request that changes something or makes a job */
  refuseForeign(request: IncomingMessage, method: Method): void {
    if (request.method === 'GET' && method.opcode === null) return;
    const { origin, referer, host } = request.headers;
    if (origin !== undefined && this.#allowed.has(origin)) return;
    const site = request.headers['sec-fetch-site'];
    const from = origin ?? referer;
    const isOwn = from === undefined || isAt(from, host);
    if (isOwn && (site === undefined || site === 'same-origin' || site === 'none')) return;
    throw new MerapiError(
      'forbidden',
      `A page of another site (${(from ?? 'unknown').slice(0, 200)}) may not change anything here, unless the master is started with --allow-origin and the origin of the page`,
    );
  }
}

/** Whether an address (of an Origin or Referer header) has the host and port of the request's Host header. */
function isAt(address: string, host: string | undefined): boolean {
  try {
    const url = new URL(address);
    return host !== undefined && url.host !== '' && url.host === new URL(`${url.protocol}//${host}`).host;
  } catch {
    return false; // e.g. `null`, the origin of sandboxed pages and local files
  }
}

/** Whether a Host header has a DNS name that denotes one machine: neither an IP address nor `localhost` nor a bare name. */
function isName(host: string | undefined): boolean {
  const name = host?.replace(/:[0-9]*$/, '').toLowerCase() ?? '';
  return name.includes('.') && !name.startsWith('[') && isIP(name) === 0 && !/(^|\.)localhost$/.test(name);
}
