import assert from 'node:assert/strict';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Json, parseJson, stringifyJson } from '../../lib/base/json.ts';

/** What tests look at in a job. */
export interface JobAnswer {
  id: number;
  status: string;
  opstatus: string[];
  opresult: unknown[];
  ops: Record<string, unknown>[];
  oplog: [number, unknown, string, string][][];
}

/** A small client of the RAPI with a connection for each request. */
export class Client {
  readonly url: string;
  readonly #user: readonly [string, string] | null;
  readonly #ca: string | null;

  /** `ca` is the certificate to trust, needed with HTTPS. */
  constructor(url: string, user: readonly [string, string] | null, ca: string | null) {
    this.url = url;
    this.#user = user;
    this.#ca = ca;
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: Json }> {
    const headers: Record<string, string> = { ...more };
    if (this.#user) headers.authorization = `Basic ${Buffer.from(this.#user.join(':')).toString('base64')}`;
    const text = body === undefined ? '' : JSON.stringify(body);
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(Buffer.byteLength(text)); // Node leaves it out with GET
    }
    const options = {
      method,
      headers,
      agent: false as const,
      ...(this.#ca === null ? {} : { ca: this.#ca }),
    };
    return new Promise((resolve, reject) => {
      const request = this.#ca === null ? requestHttp : requestHttps;
      const sent = request(this.url + path, options, (response) => {
        readText(response).then(
          (answer) => resolve({ status: response.statusCode ?? 0, body: parseJson(answer) }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** The body of an answer that must be 200. */
  async get<T = Json>(path: string): Promise<T> {
    const { status, body } = await this.ask('GET', path);
    assert.equal(status, 200, stringifyJson(body));
    return body as T;
  }

  /** Submits a job; its id. */
  async submit(method: string, path: string, body?: unknown): Promise<number> {
    const answer = await this.ask(method, path, body);
    assert.equal(answer.status, 200, stringifyJson(answer.body));
    return answer.body as number;
  }

  /** The job when it has ended. */
  async jobEnd(id: number): Promise<JobAnswer> {
    for (let left = 1500; left > 0; left--) {
      const job = await this.get<JobAnswer>(`/2/jobs/${id}`);
      if (['success', 'error', 'canceled'].includes(job.status)) return job;
      await sleep(20);
    }
    throw new Error(`Job ${id} does not end`);
  }

  /** Submits a job and waits for its success. */
  async done(method: string, path: string, body?: unknown): Promise<JobAnswer> {
    const job = await this.jobEnd(await this.submit(method, path, body));
    assert.equal(job.status, 'success', stringifyJson(job.opresult));
    return job;
  }
}

/** The body of a request for an instance with one file disk and no NIC. */
export function instanceBody(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    __version__: 1,
    mode: 'create',
    name,
    os: 'noop',
    disk_template: 'file',
    disks: [{ size: 16 }],
    nics: [],
    beparams: { memory: 64 },
    ...more,
  };
}
