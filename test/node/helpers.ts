import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { MASTER, nodeRole } from '../../lib/base/roles.ts';
import { type Identity, issue, issueAuthority, type TlsFiles } from '../../lib/base/tls.ts';
import { beParamDefaults } from '../../lib/model/beparams.ts';
import type { CallName, ParamsOf } from '../../lib/rpc/registry.ts';
import { type DiskTarget, type InstanceTarget, RuntimeFacts } from '../../lib/rpc/types.ts';
import { CallAnswer, CONTRACT, CONTRACT_HEADER } from '../../lib/rpc/wire.ts';

/** What a suite opened, closed in reverse order by its `after` hook. */
export class Resources {
  readonly #closers: (() => Promise<unknown>)[] = [];

  /** Remembers how to close something. */
  add(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  /** A new temporary folder. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'merapi-node-'));
    // A guest that is just ending may still write.
    this.add(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    return folder;
  }

  client(port: number, tls: Partial<TlsFiles>): TestClient {
    const client = new TestClient(port, tls);
    this.add(() => client.close());
    return client;
  }
}

/** A promise and the function that fulfils it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** One cluster's authority with the certificates of its master and of a node. */
export interface Certificates {
  master: TlsFiles;
  node: TlsFiles;
  authority: Identity;
}

export const NODE_NAME = 'node1.example.com';

/** What a node of this name shows. */
export function issueNode(name: string, authority: Identity): Promise<Identity> {
  return issue({ commonName: name, hosts: [name], role: nodeRole(name) }, authority);
}

export async function makeCertificates(): Promise<Certificates> {
  const authority = await issueAuthority('test authority');
  const [master, node] = await Promise.all([
    issue({ commonName: 'master', hosts: ['master'], role: MASTER }, authority),
    issueNode(NODE_NAME, authority),
  ]);
  return { authority, master: { ...master, ca: authority.cert }, node: { ...node, ca: authority.cert } };
}

/** A bare client of the wire contract. */
export class TestClient {
  readonly #agent: Agent;
  readonly #base: string;

  constructor(port: number, tls: Partial<TlsFiles>) {
    this.#agent = new Agent({ connect: { ...tls, servername: NODE_NAME } });
    this.#base = `https://127.0.0.1:${port}`;
  }

  async raw(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    headers: Record<string, string> = { [CONTRACT_HEADER]: String(CONTRACT) },
  ): Promise<{ status: number; text: string }> {
    const response = await request(this.#base + path, { method, body, headers, dispatcher: this.#agent });
    return { status: response.statusCode, text: await response.body.text() };
  }

  async post(name: string, body: unknown): Promise<CallAnswer> {
    const { text } = await this.raw('POST', `/call/${name}`, JSON.stringify(body));
    return CallAnswer.parse(JSON.parse(text));
  }

  call<N extends CallName>(name: N, params: ParamsOf<N>, id: string | null = null): Promise<CallAnswer> {
    return this.post(name, { id, params });
  }

  /** The lines of the facts stream, until `signal` ends it or the server does. */
  async *facts(signal?: AbortSignal): AsyncGenerator<RuntimeFacts> {
    const response = await request(`${this.#base}/facts`, { dispatcher: this.#agent, signal });
    let rest = '';
    for await (const chunk of response.body) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield RuntimeFacts.parse(JSON.parse(line));
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** A file disk with that path and size in MiB. */
export function fileDisk(path: string, size = 1): DiskTarget {
  return {
    uuid: `uuid-of-${path.replaceAll('/', '-')}`,
    name: null,
    dev_type: 'file',
    logical_id: ['loop', path],
    size,
    mode: 'rw',
    params: {},
  };
}

/** An instance of the fake hypervisor, with what is said here instead. */
export function instanceTarget(changes: Partial<InstanceTarget> = {}): InstanceTarget {
  const name = changes.name ?? 'web.example.com';
  return {
    uuid: `uuid-of-${name}`,
    name,
    os: 'noop',
    hypervisor: 'fake',
    hvparams: {},
    beparams: { ...beParamDefaults, maxmem: 256, vcpus: 2 },
    disks: [],
    nics: [],
    ...changes,
  };
}
