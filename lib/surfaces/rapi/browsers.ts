import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Context } from 'koa';
import { MerapiError } from '../../base/errors.ts';
import type { Method } from './resource.ts';

/** What every answer tells browsers: nothing here is a page, nothing is kept, nothing is shown in a frame, no address is told on. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
const fixed = Object.entries(securityHeaders);

/** For how long a browser that came by TLS and by name uses nothing else for that name: 30 days. */
const STRICT = 'max-age=2592000';

/** What pages of allowed origins may send. */
const preflightHeaders: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Methods': 'GET, PUT, POST, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
  'Access-Control-Max-Age': '600',
};

/**
 * Keeps pages of other sites from using what a browser knows, such as a password that it sends along by itself. Programs, which send
 * none of the headers that are looked at, notice nothing.
 */
export class Browsers {
  readonly #allowed: ReadonlySet<string>;
  readonly #isTls: boolean;

  /** `allowed` are the origins whose pages may do what their user may. */
  constructor(allowed: readonly string[], isTls: boolean) {
    this.#allowed = new Set(allowed);
    this.#isTls = isTls;
  }

  /**
   * Sets what an answer tells browsers. Answers by itself when one asks whether a page of an allowed origin may send a request:
   * whether it was that.
   */
  answer(context: Context): boolean {
    for (const [name, value] of fixed) context.res.setHeader(name, value);
    const { origin, host } = context.req.headers;
    if (this.#isTls && isName(host)) context.set('Strict-Transport-Security', STRICT);
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

/** Whether an address is of the host that a request names. */
function isAt(address: string, host: string | undefined): boolean {
  try {
    const url = new URL(address);
    return host !== undefined && url.host !== '' && url.host === new URL(`${url.protocol}//${host}`).host;
  } catch {
    return false; // `null` is the origin of what has none
  }
}

/** Whether a request names a host that stands for one machine: no address, and not what each machine calls itself. */
function isName(host: string | undefined): boolean {
  const name = host?.replace(/:[0-9]*$/, '').toLowerCase() ?? '';
  return name.includes('.') && !name.startsWith('[') && isIP(name) === 0 && !/(^|\.)localhost$/.test(name);
}
