import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { errorText, MerapiError } from '../base/errors.ts';
import { type Json, parseJson, stringifyJson } from '../base/json.ts';
import type { ValuesOf } from '../opcodes/define.ts';
import type { Opcodes } from '../opcodes/registry.ts';
import type { QueryAnswer, QueryFieldsAnswer } from '../query/define.ts';
import { type Route, requestOf } from './route.ts';
import { routes } from './routes.ts';

/** The opcodes that can be submitted over the API. */
export type Submittable = keyof typeof routes & keyof Opcodes;

/** How to reach the API. */
export interface ClientOptions {
  /** The URL of the API, e.g. https://cluster.example.com:5080 */
  url: string;
  user?: { name: string; password: string };
  /** The certificate authority to trust, in PEM; by default those of the system. */
  ca?: string;
  /** Accept any certificate. */
  insecure?: boolean;
}

/** A job as the API shows it. */
export interface JobInfo {
  id: number;
  status: string;
  summary: string[];
  opstatus: string[];
  opresult: Json[];
  /** For each opcode the lines of its log. */
  oplog: [number, [number, number], string, Json][][];
  [field: string]: unknown;
}

/** The API refused a request; the message is its own. */
export class RefusedError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A client of the API, typed by the registry of opcodes that the server uses. */
export class Client {
  readonly #url: string;
  readonly #agent: Agent;
  readonly #headers: Record<string, string>;

  constructor({ url, user, ca, insecure }: ClientOptions) {
    this.#url = url.replace(/\/$/, '');
    this.#agent = new Agent({ connect: { ...(ca ? { ca } : {}), rejectUnauthorized: !insecure } });
    const secret = user && Buffer.from(`${user.name}:${user.password}`).toString('base64');
    this.#headers = secret ? { authorization: `Basic ${secret}` } : {};
  }

  /**
   * Makes one request; returns the JSON body of a response with status 200. `address` is the path with its arguments.
   * @throws RefusedError for any other status, MerapiError unavailable when there is no response
   */
  async ask(method: string, address: string, body?: Json): Promise<Json> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    let status: number;
    let text: string;
    try {
      const answer = await request(this.#url + address, {
        method: method as 'GET',
        headers: { ...this.#headers, ...type },
        body: body === undefined ? null : stringifyJson(body),
        dispatcher: this.#agent,
      });
      status = answer.statusCode;
      text = await answer.body.text();
    } catch (error) {
      throw this.#silent(error);
    }
    if (status === 200) return parseJson(text);
    throw new RefusedError(status, refusalText(status, text));
  }

  /**
   * Reads bytes, which are passed on as they arrive. @throws as ask(); MerapiError unavailable also when the connection ends in between
   */
  async *read(address: string): AsyncGenerator<Buffer> {
    try {
      const answer = await request(this.#url + address, { headers: this.#headers, dispatcher: this.#agent });
      if (answer.statusCode !== 200)
        throw new RefusedError(answer.statusCode, refusalText(answer.statusCode, await answer.body.text()));
      for await (const chunk of answer.body) yield chunk as Buffer;
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      throw this.#silent(error);
    }
  }

  /** Sends bytes; returns the JSON body of the response. @throws as ask() */
  async send(method: string, address: string, data: Readable): Promise<Json> {
    const headers = { ...this.#headers, 'content-type': 'application/octet-stream' };
    try {
      const answer = await request(this.#url + address, {
        ...{ method: method as 'PUT', headers, body: data, dispatcher: this.#agent },
      });
      const text = await answer.body.text();
      if (answer.statusCode === 200) return parseJson(text);
      throw new RefusedError(answer.statusCode, refusalText(answer.statusCode, text));
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      throw this.#silent(error);
    }
  }

  #silent(cause: unknown): MerapiError {
    return new MerapiError('unavailable', `${this.#url} does not answer: ${errorText(cause)}`, { cause });
  }

  /** Submits a job with one opcode; returns its id. @throws as ask() */
  async submit<Id extends Submittable>(opcode: Id, params: Partial<ValuesOf<Opcodes[Id]>>): Promise<number> {
    const route: Route = routes[opcode];
    const { method, address, body } = requestOf(route, params as Record<string, Json>);
    return (await this.ask(method, address, body)) as number;
  }

  /** Reads fields of the objects of a resource that match a filter (null: all). @throws as ask() */
  async query(resource: string, fields: readonly string[], filter: Json = null): Promise<QueryAnswer> {
    const body = { fields: [...fields], qfilter: filter };
    return (await this.ask(
      'PUT',
      `/2/query/${encodeURIComponent(resource)}`,
      body,
    )) as unknown as QueryAnswer;
  }

  /** The fields of a resource. @throws as ask() */
  async fields(resource: string): Promise<QueryFieldsAnswer> {
    const answer = await this.ask('GET', `/2/query/${encodeURIComponent(resource)}/fields`);
    return answer as unknown as QueryFieldsAnswer;
  }

  /** The present state of a job. @throws as ask() */
  async job(id: number): Promise<JobInfo> {
    return (await this.ask('GET', `/2/jobs/${id}`)) as unknown as JobInfo;
  }

  /** Waits for the end of a job; `onNews` is called for changes of its status and new lines of its log. @throws as ask() */
  async wait(
    id: number,
    onNews: (status: string, lines: JobLine[]) => void = () => undefined,
  ): Promise<JobInfo> {
    let info: Json[] | null = null;
    let serial = 0;
    for (;;) {
      const change = (await this.ask('GET', `/2/jobs/${id}/wait`, {
        fields: ['status'],
        previous_job_info: info,
        previous_log_serial: serial,
      })) as { job_info: [string]; log_entries: JobLine[] } | null;
      if (change) {
        info = change.job_info;
        serial = Math.max(serial, ...change.log_entries.map(([entry]) => entry));
        onNews(change.job_info[0], change.log_entries);
      }
      if (['success', 'error', 'canceled'].includes(String(info?.[0]))) return this.job(id);
    }
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

/** A line of a job's log: [serial, [seconds, microseconds], type, text]. */
export type JobLine = [number, [number, number], string, Json];

/** The text of an error response. `detail` comes first: `message` may only be the standard text of the status. */
function refusalText(status: number, text: string): string {
  try {
    const { message, detail } = parseJson(text) as { message: string; detail?: string };
    return String(detail ?? message);
  } catch {
    return `status ${status}`;
  }
}
