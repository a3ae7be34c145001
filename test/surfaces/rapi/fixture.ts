import http from 'node:http';
import { sameForAll } from '../../../lib/access/policy.ts';
import type { AccessRight } from '../../../lib/access/principal.ts';
import { parseUsers, verifyUser } from '../../../lib/access/users.ts';
import type { Bounds } from '../../../lib/base/budget.ts';
import { type Clock, systemClock } from '../../../lib/base/clock.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import { type Logger, silentLogger } from '../../../lib/base/log.ts';
import type { Identity } from '../../../lib/base/tls.ts';
import type { EventFeed, JobWait, Manager } from '../../../lib/manager/define.ts';
import type { NamedKind } from '../../../lib/model/access.ts';
import type { JobFilter } from '../../../lib/model/filter.ts';
import type { Job, OpInput } from '../../../lib/model/job.ts';
import { type NamedObject, objectFound } from '../../../lib/model/lookup.ts';
import type { ClusterView } from '../../../lib/model/view.ts';
import { parseOp } from '../../../lib/opcodes/define.ts';
import { opcodeOf } from '../../../lib/opcodes/registry.ts';
import type { Cell } from '../../../lib/query/define.ts';
import type { AnswerOptions } from '../../../lib/surfaces/rapi/answers.ts';
import type { BodyOptions } from '../../../lib/surfaces/rapi/body.ts';
import type { GuessOptions } from '../../../lib/surfaces/rapi/guesses.ts';
import { type RapiServer, type RapiServerOptions, startRapi } from '../../../lib/surfaces/rapi/server.ts';
import { aCluster } from '../../helpers/view.ts';

export const NOW = 1795226758678262529n;
const clock: Clock = { ...systemClock, seconds: () => 1795226758.5, nanoseconds: () => NOW };

const { users } = parseUsers('admin se:cret write\nreader {cleartext}foo read\nnobody {Cleartext}pw\n');

/** What the manager of the tests holds of each resource: rows by name. */
type Rows = Record<string, Record<string, Record<string, unknown>>>;

/** A manager without a cluster behind it: it checks opcodes, remembers them, and answers from fixed rows. */
class FakeManager {
  readonly submitted: OpInput[] = [];
  readonly filters: unknown[] = [];
  readonly waits: [id: number, wait: JobWait][] = [];
  readonly jobs = new Map<number, Job>();
  rows: Rows = {
    instance: {
      'inst1.example.com': { name: 'inst1.example.com', oper_state: true, console: { kind: 'msg' } },
    },
    node: { 'node1.example.com': { name: 'node1.example.com', sip: '198.51.100.11' } },
    group: { default: { name: 'default' } },
  };
  /** The job that waitForJob gives; by default none until the signal fires. */
  ended: Job | null = null;
  events: EventFeed = {
    last: 0,
    after: async (id) => ({ events: [], first: 1, upTo: id }),
  };
  onWait: (signal: AbortSignal) => Promise<void> = (signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });

  #names(kind: string): NamedObject[] {
    return Object.keys(this.rows[kind] ?? {}).map((name) => ({ name, uuid: `uuid-${name}` }));
  }

  #find(kind: NamedKind, text: string): NamedObject {
    const names = this.#names(kind);
    const table = {
      get: (uuid: string) => names.find((each) => each.uuid === uuid),
      named: (name: string) => names.find((each) => each.name === name),
      list: () => names,
    };
    const view = { instances: table, nodes: table, groups: table, networks: table };
    const found = objectFound(view as unknown as ClusterView, kind, text);
    if (!found) throw new MerapiError('not_found', `There is no ${kind} '${text}'`);
    return found;
  }

  manager(): Manager {
    const { jobs } = this;
    const noGuests = () => {
      throw new MerapiError('conflict', 'No guest runs here');
    };
    return {
      guestStanding: noGuests,
      askGuest: noGuests,
      sendToGuest: noGuests,
      guestOutput: noGuests,
      guestFile: noGuests,
      uploadForGuest: noGuests,
      scope: (principal, action) => sameForAll.scope(principal, action),
      find: (_principal, kind, text) => this.#find(kind, text),
      names: (_principal, kind) => this.#names(kind),
      nodeRole: (_principal, text) => (this.#find('node', text).name === 'node1.example.com' ? 'M' : 'R'),
      describe: async (_principal, resource, fields, uuid) => {
        const row = this.rows[resource]?.[uuid.replace(/^uuid-/, '')];
        if (!row) throw new MerapiError('not_found', `There is no ${resource} '${uuid}'`);
        return Object.fromEntries(fields.map((field) => [field, row[field] ?? null]));
      },
      filters: () => [{ uuid: 'f1' } as JobFilter],
      submit: async (_principal, ops) => {
        for (const op of ops) this.submitted.push(parseOp(opcodeOf(op.OP_ID), op) && op);
        return this.submitted.length;
      },
      query: async (_principal, resource, fields, filter) => {
        const rows = this.rows[resource];
        if (!rows) throw new MerapiError('wrong_input', `There is no resource '${resource}'`);
        const wanted = Array.isArray(filter) ? [rows[filter[2]]] : Object.values(rows);
        const data = wanted
          .filter((row) => row !== undefined)
          .map((row) =>
            fields.map((field): Cell => (Object.hasOwn(row, field) ? [0, row[field]] : [2, null])),
          );
        return { data, fields: [] };
      },
      queryRows: async function (this: Manager, ...question) {
        const { data, fields } = await this.query(...question);
        return {
          fields,
          rows: (async function* () {
            yield* data;
          })(),
        };
      },
      listing: async function* (this: Manager, principal, resource, fields) {
        const { data } = await this.query(principal, resource, fields, null);
        for (const cells of data)
          yield {
            objects: [{ version: {}, valueOf: (field: string) => cells[fields.indexOf(field)]?.[1] ?? null }],
            configured: fields,
            live: [],
          };
      },
      queryFields: (_principal, _resource, names) => ({
        fields: (names ?? ['all']).map((name) => ({ name, title: name, kind: 'text', doc: '' })),
      }),
      jobIds: async () => [...this.jobs.keys()],
      jobs: async function* (this: void) {
        yield* jobs.values();
      },
      job: async (_principal, id) => this.jobs.get(id) ?? null,
      cancelJob: async (_principal, id) => ({
        canceled: false,
        text: `Job ${id} not found in queue`,
      }),
      waitForJob: async (_principal, id, wait) => {
        this.waits.push([id, wait]);
        if (this.ended === null) await this.onWait(wait.signal);
        return this.ended;
      },
      runToEnd: async () => this.ended,
      change: async () => undefined,
      follow: async function* () {},
      putFilter: async (_principal, uuid, filter) => {
        this.filters.push({ uuid, ...filter });
        return uuid ?? 'new-uuid';
      },
      removeFilter: async () => undefined,
      duties: () => [],
      giveUpDuty: async () => undefined,
      cluster: () => ({ ...aCluster({ osparams: { noop: { big: NOW } } }), master: null }),
      tags: (_principal, kind, name) => [kind, String(name)],
      osNames: async () => ['noop'],
      whyJob: async () => null,
      events: () => this.events,
      queueState: () => ({
        drained: false,
        archive_after: null,
        max_running_jobs: 20,
        running: 0,
        unfinished: 0,
        trouble: null,
      }),
      setQueue: async () => undefined,
      archiveJob: async () => undefined,
      archiveJobs: async () => 0,
    };
  }
}

/** Serves a manager over plain HTTP to whoever names a user; `rightsOf` says what that one may do. */
export function serveManager(
  manager: Manager,
  rightsOf: (name: string) => readonly AccessRight[] = () => ['write'],
  more: Partial<RapiServerOptions> = {},
): Promise<RapiServer> {
  return startRapi({
    manager,
    users: { authenticate: (name) => ({ name, rights: rightsOf(name) }) },
    bind: '127.0.0.1',
    port: 0,
    tls: null,
    requireAuthentication: false,
    clock: systemClock,
    log: silentLogger,
    ...more,
  });
}

export interface TestServer extends RapiServer {
  fake: FakeManager;
  /** What the server asks; a test may put functions of its own into it. */
  manager: Manager;
  ask: Ask;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  json: unknown;
  /** Whether the connection had been used before. */
  reused: boolean;
}

export interface Question {
  /** `name:password`; by default the administrator, null for none. */
  auth?: string | null;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: string | Buffer;
  headers?: http.OutgoingHttpHeaders;
}

type Ask = (method: string, path: string, question?: Question) => Promise<Answer>;

/** A server on a free port with a fake manager, and a client that keeps its one connection. */
export async function serve(
  options: {
    tls?: Identity;
    requireAuthentication?: boolean;
    waitTimeout?: number;
    bodies?: BodyOptions;
    waiting?: Bounds;
    answers?: AnswerOptions;
    allowOrigins?: readonly string[];
    guesses?: GuessOptions;
    log?: Logger;
  } = {},
): Promise<TestServer> {
  const fake = new FakeManager();
  const manager = fake.manager();
  const server = await startRapi({
    manager,
    users: { authenticate: (name, password) => verifyUser(users, name, password) },
    bind: '127.0.0.1',
    port: 0,
    tls: options.tls ?? null,
    requireAuthentication: options.requireAuthentication ?? false,
    clock,
    log: options.log ?? silentLogger,
    waitTimeout: options.waitTimeout,
    bodies: options.bodies,
    waiting: options.waiting,
    answers: options.answers,
    allowOrigins: options.allowOrigins,
    guesses: options.guesses,
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ...server,
    fake,
    manager,
    ask: (method, path, question = {}) => ask(server.port, agent, method, path, question),
    close: async () => {
      agent.destroy();
      await server.close();
    },
  };
}

function ask(
  port: number,
  agent: http.Agent,
  method: string,
  path: string,
  question: Question,
): Promise<Answer> {
  const { auth = 'admin:se:cret', body, raw } = question;
  const content = body === undefined ? raw : JSON.stringify(body);
  const headers: http.OutgoingHttpHeaders = {
    ...(auth !== null && { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
    ...(content !== undefined && {
      'Content-Type': 'application/json',
      ...(!question.headers?.['Transfer-Encoding'] && { 'Content-Length': Buffer.byteLength(content) }),
    }),
    ...question.headers,
  };
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: text === '' ? undefined : JSON.parse(text),
          reused: request.reusedSocket,
        }),
      );
    });
    request.on('error', reject);
    request.end(content);
  });
}
