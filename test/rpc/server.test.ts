import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { Connections } from '../../lib/base/connections.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { API, MASTER, nodeRole, type Role } from '../../lib/base/roles.ts';
import { issue, issueAuthority, issueFor, publicKeyOf, type TlsFiles } from '../../lib/base/tls.ts';
import type { FactsSource } from '../../lib/rpc/facts-stream.ts';
import { calls } from '../../lib/rpc/registry.ts';
import type { CallContext, CallJournal, Handlers } from '../../lib/rpc/server.ts';
import { type RpcServer, startRpcServer } from '../../lib/rpc/server.ts';
import type { NodeFacts, RuntimeFacts } from '../../lib/rpc/types.ts';
import {
  type Certificates,
  deferred,
  instanceTarget,
  makeCertificates,
  Resources,
  type TestClient,
} from '../node/helpers.ts';

const noFacts = {} as Record<string, null>;
for (const key of [
  ...['memory_total', 'memory_free', 'memory_dom0', 'disk_total', 'disk_free', 'spindles_total'],
  ...['spindles_free', 'cpu_total', 'cpu_nodes', 'cpu_sockets', 'cpu_dom0', 'bootid'],
])
  noFacts[key] = null;

class Source implements FactsSource {
  version = 1;
  listeners = new Set<() => void>();
  async current(): Promise<RuntimeFacts> {
    return { epoch: 'e', version: this.version, node: noFacts as unknown as NodeFacts, guests: [] };
  }
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  change(): void {
    this.version++;
    for (const listener of this.listeners) listener();
  }
}

/** Handlers that refuse, but for those given. */
function handlersOf(some: Partial<Handlers>): Handlers {
  const refuse = async () => {
    throw new MerapiError('wrong_state', 'not in this test');
  };
  return { ...Object.fromEntries(Object.keys(calls).map((name) => [name, refuse])), ...some } as Handlers;
}

const passOn: CallJournal = {
  once: (_id, _call, execute, tell) => execute(new AbortController().signal, tell),
  stop: async () => undefined,
  cancel: async () => undefined,
};
const stop = { instance: instanceTarget(), timeout: 1, force: false };

describe('rpc server', () => {
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  const resources = new Resources();
  after(() => resources.close());

  async function serve(
    handlers: Partial<Handlers>,
    more: {
      journal?: CallJournal;
      facts?: Source;
      heartbeat?: number;
      tls?: TlsFiles;
      connections?: Connections;
    } = {},
  ): Promise<{ server: RpcServer; client: TestClient }> {
    const server = await startRpcServer({
      clock: systemClock,
      listen: { host: '127.0.0.1', port: 0 },
      tls: certificates.node,
      handlers: handlersOf(handlers),
      journal: passOn,
      facts: new Source(),
      log: silentLogger,
      ...more,
    });
    resources.add(() => server.close());
    return { server, client: resources.client(server.port, certificates.master) };
  }

  it('gives a call its checked parameters and answers its result, without facts when nothing changes', async () => {
    const seen: unknown[] = [];
    const { client } = await serve({
      'network.bridges': async (params) => {
        seen.push(params);
        return { missing: params.bridges.slice(1) };
      },
    });
    const answer = await client.call('network.bridges', { bridges: ['a', 'b'] });
    assert.deepEqual(answer, { result: { missing: ['b'] } });
    assert.deepEqual(seen, [{ bridges: ['a', 'b'] }]);
  });

  it('answers a changing call with the facts, whether it succeeds or fails, and hands its id to the journal', async () => {
    const ids: string[] = [];
    const journal: CallJournal = {
      ...passOn,
      once: (id, call, execute, tell) => {
        ids.push(`${id} ${call}`);
        return passOn.once(id, call, execute, tell);
      },
    };
    const { client } = await serve({ 'instance.stop': async () => ({}) }, { journal });
    const good = await client.call('instance.stop', stop, 'job/1/stop');
    assert.deepEqual(good.result, {});
    assert.equal(good.facts?.version, 1);
    const bad = await client.call('instance.forget', { instance: stop.instance }, 'job/1/forget');
    assert.deepEqual(bad.error, { code: 'wrong_state', message: 'not in this test' });
    assert.equal(bad.facts?.epoch, 'e');
    assert.deepEqual(ids, ['job/1/stop instance.stop', 'job/1/forget instance.forget']);
  });

  it('refuses what is not a proper call, without calling a handler', async () => {
    let runs = 0;
    const { client } = await serve({
      'node.delay': async () => {
        runs++;
        return {};
      },
      'instance.stop': async () => {
        runs++;
        return {};
      },
    });
    const message = async (name: string, body: unknown) => {
      const { error } = await client.post(name, body);
      assert.equal(error?.code, 'wrong_input');
      return error.message;
    };
    assert.match(await message('node.dance', { id: null, params: {} }), /no call 'node.dance'/);
    assert.match(await message('toString', { id: null, params: {} }), /no call 'toString'/);
    assert.match(await message('node.delay', { id: null, params: { duration: 'long' } }), /duration/);
    assert.match(await message('node.delay', { id: null, params: { duration: 1, more: 1 } }), /more/);
    assert.match(await message('node.delay', { params: { duration: 1 } }), /is malformed: id/);
    assert.match(await message('node.delay', [1]), /is malformed/);
    assert.match(await message('instance.stop', { id: null, params: stop }), /needs the id/);
    const { status, text } = await client.raw('POST', '/call/node.delay', '{"id"');
    assert.equal(status, 200);
    assert.equal(JSON.parse(text).error.code, 'wrong_input');
    assert.equal(runs, 0);
  });

  it('never repeats a wrong value in its message', async () => {
    const { client } = await serve({});
    const params = { osparams: { password: ['hunter2'] }, debug: 'hunter2' };
    const { error } = await client.post('os.create', { id: 'x', params });
    assert.match(error?.message ?? '', /osparams.password/);
    assert.doesNotMatch(error?.message ?? '', /hunter2/);
  });

  it('turns a wrong result and an unexpected error into internal errors', async () => {
    const { client } = await serve({
      'network.bridges': async () => ({ missing: 'none' }) as never,
      'node.delay': async () => {
        throw new TypeError('oops');
      },
    });
    const wrong = await client.call('network.bridges', { bridges: [] });
    assert.equal(wrong.error?.code, 'internal_error');
    assert.match(wrong.error.message, /wrong result: missing/);
    const thrown = await client.call('node.delay', { duration: 0 });
    assert.equal(thrown.error?.code, 'internal_error');
    assert.match(thrown.error.message, /^Something unexpected happened.* for error-[0-9a-f]+$/);
  });

  it('answers other paths and methods with 404', async () => {
    const { client } = await serve({});
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/call/node.facts'],
      ['POST', '/facts'],
    ] as const) {
      const { status, text } = await client.raw(method, path);
      assert.equal(status, 404);
      assert.equal(JSON.parse(text).error.code, 'not_found');
    }
  });

  it('reads 64 MiB and refuses more', async () => {
    const { client } = await serve({
      'network.bridges': async ({ bridges }) => ({ missing: [bridges.join('').slice(-4)] }),
    });
    const bodyOf = (size: number) => {
      const head = '{"id":null,"params":{"bridges":["';
      const tail = 'tail"]}}';
      return head + 'x'.repeat(size - head.length - tail.length) + tail;
    };
    const limit = 64 * 1024 * 1024;
    const most = await client.raw('POST', '/call/network.bridges', bodyOf(limit));
    assert.deepEqual(JSON.parse(most.text), { result: { missing: ['tail'] } });
    const more = await client.raw('POST', '/call/network.bridges', bodyOf(limit + 1));
    assert.equal(JSON.parse(more.text).error.code, 'too_large');
  });

  it('refuses clients without the certificate of this master', async () => {
    let runs = 0;
    const { server } = await serve({
      'node.delay': async () => {
        runs++;
        return {};
      },
    });
    const { ca } = certificates.node;
    const node = await resources.client(server.port, certificates.node).raw('POST', '/call/node.delay', '{}');
    assert.equal(node.status, 403);
    assert.equal(JSON.parse(node.text).error.code, 'forbidden');
    assert.equal((await resources.client(server.port, certificates.node).raw('GET', '/facts')).status, 403);
    const delay = { id: null, params: { duration: 0 } };
    await assert.rejects(resources.client(server.port, { ca }).post('node.delay', delay));
    const otherAuthority = await issueAuthority('test authority');
    const otherMaster = await issue(
      { commonName: 'master', hosts: ['master'], role: MASTER },
      otherAuthority,
    );
    await assert.rejects(resources.client(server.port, { ca, ...otherMaster }).post('node.delay', delay));
    assert.equal(runs, 0);
  });

  it('knows the master by its role, not by a name', async () => {
    let runs = 0;
    const { server } = await serve({
      'node.delay': async () => {
        runs++;
        return {};
      },
    });
    const body = JSON.stringify({ id: null, params: { duration: 0 } });
    const { authority, node } = certificates;
    const { key } = node;
    const ask = async (role: Role | undefined, path: string) => {
      const subject = { commonName: 'master', hosts: ['master'], role };
      const cert = issueFor(publicKeyOf(key), subject, authority);
      const client = resources.client(server.port, { cert, key, ca: authority.cert });
      return (await client.raw(path === '/facts' ? 'GET' : 'POST', path, body)).status;
    };
    for (const path of ['/call/node.delay', '/call/disk.remove', '/facts', '/else']) {
      for (const role of [undefined, nodeRole('master'), nodeRole('x:merapi:role:master'), API])
        assert.equal(await ask(role, path), 403, `${role} ${path}`);
      if (path !== '/facts') assert.notEqual(await ask(MASTER, path), 403);
    }
    assert.equal(runs, 1);
  });

  it('trusts further authorities at new connections when it is told to', async () => {
    const { server, client } = await serve({ 'node.delay': async () => ({}) });
    const delay = { duration: 0 };
    assert.deepEqual(await client.call('node.delay', delay), { result: {} });
    const next = await issueAuthority('test authority 2');
    const master = await issue({ commonName: 'master', hosts: ['master'], role: MASTER }, next);
    const { ca } = certificates.node;
    const young = () => resources.client(server.port, { ...master, ca });
    await assert.rejects(young().call('node.delay', delay));
    server.renew({ ...certificates.node, ca: certificates.authority.cert + next.cert });
    assert.deepEqual(await young().call('node.delay', delay), { result: {} });
    assert.deepEqual(await client.call('node.delay', delay), { result: {} }, 'the connection that was there');
  });

  it('streams facts at once, after each change and at each heartbeat', async () => {
    const facts = new Source();
    const { client } = await serve({}, { facts, heartbeat: 3600_000 });
    const stream = client.facts();
    assert.equal((await stream.next()).value?.version, 1);
    facts.change();
    assert.equal((await stream.next()).value?.version, 2);
    const beating = (await serve({}, { heartbeat: 5 })).client.facts();
    for (let beat = 0; beat < 3; beat++) assert.equal((await beating.next()).value?.version, 1);
    await stream.return(undefined);
    await beating.return(undefined);
  });

  it('lets go of a stream whose client has gone', async () => {
    const facts = new Source();
    const { client } = await serve({}, { facts });
    const abort = new AbortController();
    const stream = client.facts(abort.signal);
    await stream.next();
    assert.equal(facts.listeners.size, 1);
    abort.abort();
    await assert.rejects(stream.next());
    while (facts.listeners.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('aborts a call that changes nothing when its client goes away', async () => {
    const entered = deferred<CallContext>();
    const { client } = await serve({
      'node.delay': async (_params, context) => {
        entered.resolve(context);
        await once(context.signal, 'abort');
        throw context.signal.reason;
      },
    });
    const call = client.call('node.delay', { duration: 1000 });
    const { signal } = await entered.promise;
    const aborted = once(signal, 'abort');
    await client.close();
    await assert.rejects(call);
    await aborted;
  });

  it('closes promptly: with streams, idle and half-open connections, and calls under way, which get no answer', async () => {
    const entered = deferred<void>();
    let reason: unknown;
    const { server, client } = await serve({
      'instance.stop': async (_params, { signal }) => {
        entered.resolve(undefined);
        await once(signal, 'abort');
        reason = signal.reason;
        throw reason;
      },
    });
    const stream = client.facts();
    await stream.next();
    const halfOpen = connect(server.port, '127.0.0.1').on('error', () => undefined);
    await once(halfOpen, 'connect');
    const call = assert.rejects(client.call('instance.stop', stop, 'x'));
    await entered.promise;
    await server.close();
    await call;
    assert.ok(reason instanceof MerapiError && reason.code === 'unavailable');
    await assert.rejects(stream.next());
    await assert.rejects(client.call('node.delay', { duration: 0 }));
    halfOpen.destroy();
  });

  it('keeps room for the master, whoever only connects, and cuts neither its stream nor its calls', async () => {
    const connections = new Connections({ all: 8, perAddress: 8, pending: 4 }, silentLogger);
    const held = deferred<void>();
    const { server, client } = await serve(
      { 'node.delay': async () => (await held.promise) as never },
      { connections },
    );
    const stream = client.facts();
    await stream.next();
    const call = client.call('node.delay', { duration: 0 });
    const silent: Socket[] = [];
    for (let count = 0; count < 40; count++) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
      silent.push(socket);
      await once(socket, 'connect');
    }
    while (connections.turnedAway < 36) await new Promise(setImmediate);
    const other = resources.client(server.port, certificates.master);
    assert.equal((await other.raw('GET', '/nothing')).status, 404);
    held.resolve();
    assert.equal((await call).error?.code, 'internal_error'); // of this test's result, not of the connection
    assert.ok(connections.open <= 8);
    for (const socket of silent) socket.destroy();
  });

  it('names an address that it cannot listen on', async () => {
    const { server } = await serve({});
    const second = startRpcServer({
      clock: systemClock,
      listen: { host: '127.0.0.1', port: server.port },
      tls: certificates.node,
      handlers: handlersOf({}),
      journal: passOn,
      facts: new Source(),
      log: silentLogger,
    });
    await assert.rejects(second, { code: 'environment_error', message: new RegExp(`port ${server.port}`) });
  });
});
