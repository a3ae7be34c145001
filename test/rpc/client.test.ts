import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { API, MASTER, nodeRole, type Role } from '../../lib/base/roles.ts';
import { issueAuthority, issueFor, publicKeyOf, type TlsFiles } from '../../lib/base/tls.ts';
import type { Node } from '../../lib/model/node.ts';
import { Journal } from '../../lib/node/journal.ts';
import { NodeClient, type NodeClientOptions } from '../../lib/rpc/client.ts';
import type { FactsSource } from '../../lib/rpc/facts-stream.ts';
import { calls } from '../../lib/rpc/registry.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { type Handlers, type RpcServer, startRpcServer } from '../../lib/rpc/server.ts';
import type { RuntimeFacts } from '../../lib/rpc/types.ts';
import { aNode, someFacts } from '../helpers/view.ts';
import {
  type Certificates,
  deferred,
  instanceTarget,
  issueNode,
  makeCertificates,
  NODE_NAME,
  Resources,
} from '../node/helpers.ts';

/** Facts that a test changes. */
class Source implements FactsSource {
  facts: RuntimeFacts = someFacts();
  /** What each look at the facts waits for. */
  gate: Promise<void> = Promise.resolve();
  readonly looked = deferred<void>();
  readonly #listeners = new Set<() => void>();

  async current(): Promise<RuntimeFacts> {
    this.looked.resolve();
    await this.gate;
    return this.facts;
  }
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  change(free: number): void {
    this.facts = { ...someFacts([], { memory_free: free }), version: this.facts.version + 1 };
    for (const listener of this.#listeners) listener();
  }
}

const refuse = async () => {
  throw new MerapiError('wrong_state', 'not in this test');
};
const node1 = aNode('node1');
const node2 = aNode('node2');
const stop = { instance: instanceTarget(), timeout: 1, force: false };

describe('node client', () => {
  let certificates: Certificates;
  let node2Tls: TlsFiles;
  before(async () => {
    certificates = await makeCertificates();
    const identity = await issueNode(node2.name, certificates.authority);
    node2Tls = { ...identity, ca: certificates.authority.cert };
  });
  const resources = new Resources();
  after(() => resources.close());

  async function serve(
    some: Partial<Handlers>,
    more: { folder?: string; facts?: Source; tls?: TlsFiles; port?: number } = {},
  ): Promise<RpcServer> {
    const journal = await Journal.open(more.folder ?? (await resources.folder()), {
      log: silentLogger,
      clock: systemClock,
    });
    const handlers = Object.fromEntries(Object.keys(calls).map((name) => [name, refuse]));
    const server = await startRpcServer({
      clock: systemClock,
      listen: { host: '127.0.0.1', port: more.port ?? 0 },
      tls: more.tls ?? certificates.node,
      handlers: { ...handlers, ...some } as Handlers,
      journal,
      facts: more.facts ?? new Source(),
      log: silentLogger,
    });
    let isClosed = false;
    const close = async () => {
      if (isClosed) return;
      isClosed = true;
      await server.close();
      await journal.close();
    };
    resources.add(close);
    return { ...server, close };
  }

  /** A client that finds its nodes where `where` says now; an unknown one has no address. */
  function clientOf(where: Map<string, RpcServer>, over: Partial<NodeClientOptions> = {}) {
    const runtime = new RuntimeTable();
    const client = new NodeClient({
      clock: systemClock,
      tls: () => certificates.master,
      endpointOf: async (node: Node) => {
        const server = where.get(node.name);
        if (!server) throw new MerapiError('not_found', `nobody knows where ${node.name} is`);
        return { host: server.host, port: server.port };
      },
      epoch: 1,
      runtime,
      log: silentLogger,
      patience: 30_000,
      ...over,
    });
    resources.add(() => client.close());
    return { client, runtime };
  }

  /** Waits until the known facts of node1 are as wanted. */
  function until(runtime: RuntimeTable, isThere: (facts: RuntimeFacts | null) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isThere(runtime.of(node1.uuid))) return;
        stopListening();
        resolve();
      };
      const stopListening = runtime.subscribe(look);
      look();
    });
  }

  it("gives the result, or the worker's own failure", async () => {
    const server = await serve({ 'network.bridges': async ({ bridges }) => ({ missing: bridges }) });
    const { client } = clientOf(new Map([[NODE_NAME, server]]));
    assert.deepEqual(await client.call(node1, 'network.bridges', { bridges: ['br0'] }), { missing: ['br0'] });
    await assert.rejects(client.call(node1, 'node.delay', { duration: 0 }), {
      code: 'wrong_state',
      message: 'not in this test',
    });
  });

  it('knows the facts after a call that changes the node, whether it succeeds or fails', async () => {
    const facts = new Source();
    const server = await serve({ 'instance.stop': async () => ({}) }, { facts });
    const { client, runtime } = clientOf(new Map([[NODE_NAME, server]]));
    facts.change(77);
    await client.call(node1, 'instance.stop', stop, { id: 'one' });
    assert.equal(runtime.of(node1.uuid)?.node.memory_free, 77);
    facts.change(66);
    await assert.rejects(client.call(node1, 'instance.forget', { instance: stop.instance }, { id: 'two' }));
    assert.equal(runtime.of(node1.uuid)?.node.memory_free, 66);
  });

  it('repeats a call while the worker restarts elsewhere: it is done once, and the first outcome is given', async () => {
    const folder = await resources.folder();
    const facts = new Source();
    const answering = deferred<void>();
    const done: string[] = [];
    const handlers = (life: string): Partial<Handlers> => ({
      'instance.stop': async () => {
        done.push(life);
        throw new MerapiError('hypervisor', `as ${life} has it`);
      },
    });
    facts.gate = answering.promise; // the outcome is stored, the answer is held back and lost
    const first = await serve(handlers('the first'), { folder, facts });
    const where = new Map([[NODE_NAME, first]]);
    const { client } = clientOf(where);
    const outcome = client.call(node1, 'instance.stop', stop, { id: 'job/1/stop' });
    await facts.looked.promise;
    where.delete(NODE_NAME);
    await first.close();
    answering.resolve();
    where.set(NODE_NAME, await serve(handlers('the second'), { folder }));
    await assert.rejects(outcome, { code: 'hypervisor', message: 'as the first has it' });
    assert.deepEqual(done, ['the first']);
  });

  it('gives a node up that does not answer for as long as its patience lasts', async () => {
    const server = await serve({});
    await server.close();
    const { client } = clientOf(new Map([[NODE_NAME, server]]), { patience: 120 });
    await assert.rejects(client.call(node1, 'node.delay', { duration: 0 }), {
      code: 'node_unreachable',
      message: /^Node node1\.example\.com cannot be reached: /,
    });
    await assert.rejects(client.call(node2, 'node.delay', { duration: 0 }), {
      code: 'node_unreachable',
      message: /nobody knows where node2/,
    });
  });

  it('does not ask a node that is marked offline', async () => {
    let asked = 0;
    const server = await serve({
      'node.delay': async () => {
        asked += 1;
        return {};
      },
    });
    const { client } = clientOf(new Map([[NODE_NAME, server]]));
    await assert.rejects(client.call({ ...node1, offline: true }, 'node.delay', { duration: 0 }), {
      code: 'node_unreachable',
      message: 'Node node1.example.com is marked offline',
    });
    assert.equal(asked, 0);
  });

  it('asks several nodes at once: one outcome each', async () => {
    const server = await serve({ 'network.bridges': async () => ({ missing: [] }) });
    const { client } = clientOf(new Map([[NODE_NAME, server]]), { patience: 100 });
    const outcomes = await client.callAll([node1, node2], 'network.bridges', { bridges: [] });
    assert.deepEqual([...outcomes.keys()], [node1.uuid, node2.uuid]);
    assert.deepEqual(outcomes.get(node1.uuid), { result: { missing: [] } });
    const failed = outcomes.get(node2.uuid);
    assert.equal(failed && 'failure' in failed && failed.failure.code, 'node_unreachable');
  });

  it('refuses a server with the certificate of another node, role or authority, or without a role', async () => {
    let asked = 0;
    const handlers: Partial<Handlers> = {
      'node.delay': async () => {
        asked += 1;
        return {};
      },
    };
    const foreign = await issueAuthority(NODE_NAME);
    const { authority, master } = certificates;
    const { key } = node2Tls;
    const as = (commonName: string, role: Role | undefined) => ({
      cert: issueFor(publicKeyOf(key), { commonName, hosts: [NODE_NAME], role }, authority),
      key,
    });
    const others = [
      ...[foreign, as(NODE_NAME, API), as(NODE_NAME, undefined), as(NODE_NAME, MASTER)],
      as(NODE_NAME, nodeRole('node2')),
    ];
    for (const tls of [node2Tls, master, ...others.map((other) => ({ ...other, ca: authority.cert }))]) {
      const server = await serve(handlers, { tls });
      const { client, runtime } = clientOf(new Map([[NODE_NAME, server]]), { patience: 60 });
      await assert.rejects(client.call(node1, 'node.delay', { duration: 0 }), {
        code: 'node_unreachable',
        message: /^Node node1\S* cannot be reached: its certificate /,
      });
      await client.follow([node1]);
      assert.equal(runtime.of(node1.uuid), null);
    }
    assert.equal(asked, 0);
  });

  it('follows the facts of nodes: changes, the end of a worker, and its return', async () => {
    const facts = new Source();
    const first = await serve({}, { facts });
    const where = new Map([[NODE_NAME, first]]);
    const { client, runtime } = clientOf(where);
    await client.follow([node1, node2]);
    assert.deepEqual(runtime.of(node1.uuid), someFacts());
    assert.equal(runtime.of(node2.uuid), null, 'one that does not answer holds nobody up');
    facts.change(123);
    await until(runtime, (known) => known?.node.memory_free === 123);
    await client.follow([node1]);
    await first.close();
    await until(runtime, (known) => known === null);
    const next = new Source();
    next.facts = { ...someFacts([], { memory_free: 5 }), epoch: 'life-2' };
    where.set(NODE_NAME, await serve({}, { facts: next }));
    await until(runtime, (known) => known?.epoch === 'life-2');
    await client.follow([]);
    assert.equal(runtime.of(node1.uuid), null);
    next.change(6);
    await client.follow([node1]);
    assert.equal(runtime.of(node1.uuid)?.node.memory_free, 6);
  });

  it('finds a followed node that has got another address', async () => {
    const [before, after] = [new Source(), new Source()];
    after.facts = { ...someFacts(), epoch: 'there' };
    const servers = [await serve({}, { facts: before }), await serve({}, { facts: after })];
    const ip = (at: number) => `198.51.100.${at}`;
    const { client, runtime } = clientOf(new Map(), {
      endpointOf: async (node) => servers[node.primary_ip === ip(0) ? 0 : 1] as RpcServer,
    });
    await client.follow([{ ...node1, primary_ip: ip(0) }]);
    await client.follow([{ ...node1, primary_ip: ip(1) }]);
    await servers[0]?.close();
    await until(runtime, (known) => known?.epoch === 'there');
  });

  it('ends everything when it is closed: calls under way, those that wait for a worker, and streams', async () => {
    const begun = deferred<void>();
    const server = await serve({
      'node.delay': async (_params, { signal }) => {
        begun.resolve();
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
        return {};
      },
      'network.bridges': async () => assert.fail('the client is closed'),
    });
    const where = new Map([[NODE_NAME, server]]);
    const sought = deferred<void>();
    const { client, runtime } = clientOf(where, {
      endpointOf: async (node) => {
        if (node.uuid === node1.uuid) return { host: server.host, port: server.port };
        sought.resolve();
        throw new Error('nobody knows');
      },
    });
    await client.follow([node1]);
    const underWay = client.call(node1, 'node.delay', { duration: 0 });
    const waiting = client.call(node2, 'node.delay', { duration: 0 });
    const ended = Promise.allSettled([underWay, waiting]);
    await Promise.all([begun.promise, sought.promise]);
    await client.close();
    for (const outcome of await ended)
      assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'node_unreachable');
    assert.equal(runtime.of(node1.uuid), null);
    await assert.rejects(client.call(node1, 'network.bridges', { bridges: [] }), {
      code: 'node_unreachable',
    });
    await client.follow([node1]);
    assert.equal(runtime.of(node1.uuid), null);
    await client.close();
  });
});
