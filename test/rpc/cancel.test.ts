import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import type { Progress } from '../../lib/model/progress.ts';
import { Journal } from '../../lib/node/journal.ts';
import { NodeClient } from '../../lib/rpc/client.ts';
import type { Endpoint } from '../../lib/rpc/post.ts';
import { calls } from '../../lib/rpc/registry.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { type Handlers, startRpcServer } from '../../lib/rpc/server.ts';
import { CONTRACT, CONTRACT_HEADER, contractMismatch } from '../../lib/rpc/wire.ts';
import { aNode, someFacts } from '../helpers/view.ts';
import {
  type Certificates,
  deferred,
  fileDisk,
  instanceTarget,
  makeCertificates,
  Resources,
  TestClient,
} from '../node/helpers.ts';

const node = aNode('node1');
const instance = instanceTarget();
const disk = fileDisk('/nowhere/disk');
const stop = { instance, timeout: 1, force: false };
const canceled = () => new MerapiError('canceled', 'The job was canceled');

describe('calls that are ended early', () => {
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  const resources = new Resources();
  after(() => resources.close());

  function clientOf(endpointOf: () => Promise<Endpoint>): NodeClient {
    const client = new NodeClient({
      clock: systemClock,
      ...{ tls: () => certificates.master, endpointOf, epoch: 1, runtime: new RuntimeTable() },
      ...{ log: silentLogger, patience: 30_000 },
    });
    resources.add(() => client.close());
    return client;
  }

  async function serve(some: Partial<Handlers>) {
    const journal = await Journal.open(await resources.folder(), { log: silentLogger, clock: systemClock });
    const refuse = async () => assert.fail('not in this test');
    const handlers: Handlers = {
      ...(Object.fromEntries(Object.keys(calls).map((name) => [name, refuse])) as unknown as Handlers),
      'call.cancel': async ({ id }) => {
        await journal.cancel(id);
        return {};
      },
      ...some,
    };
    const server = await startRpcServer({
      clock: systemClock,
      ...{ listen: { host: '127.0.0.1', port: 0 }, tls: certificates.node, handlers, journal },
      facts: { current: async () => someFacts(), subscribe: () => () => undefined },
      log: silentLogger,
    });
    resources.add(async () => {
      await server.close();
      await journal.close();
    });
    return { server, client: clientOf(async () => server) };
  }

  /** A handler that goes on until its signal fires. */
  function endless() {
    const begun = deferred<void>();
    const handler = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
      begun.resolve();
      await once(signal, 'abort');
      throw new Error('what the handler says of its end does not matter');
    };
    return { begun: begun.promise, handler };
  }

  it('end on the node, and that is their outcome', async () => {
    const { begun, handler } = endless();
    const { client } = await serve({ 'instance.stop': handler });
    const cancel = new AbortController();
    const options = { id: 'job/1/stop', signal: cancel.signal };
    const call = client.call(node, 'instance.stop', stop, options);
    await begun;
    cancel.abort(canceled());
    await assert.rejects(call, { code: 'canceled' });
    const again = client.call(node, 'instance.stop', stop, { id: options.id });
    await assert.rejects(again, { code: 'canceled' });
  });

  it('succeed when they were faster', async () => {
    const ended = deferred<void>();
    const { client } = await serve({
      'instance.stop': async (_, { signal }) => {
        ended.resolve();
        await once(signal, 'abort');
        return {};
      },
    });
    const cancel = new AbortController();
    const call = client.call(node, 'instance.stop', stop, { id: 'job/2/stop', signal: cancel.signal });
    await ended.promise;
    cancel.abort(canceled());
    assert.deepEqual(await call, {});
  });

  it('are not those that cannot be: they go on to their end', async () => {
    const [begun, end] = [deferred<void>(), deferred<void>()];
    const { client } = await serve({
      'instance.forget': async (_, { signal }) => {
        begun.resolve();
        await end.promise;
        assert.equal(signal.aborted, false);
        return {};
      },
    });
    const cancel = new AbortController();
    const options = { id: 'job/3/forget', signal: cancel.signal };
    const call = client.call(node, 'instance.forget', { instance }, options);
    await begun.promise;
    cancel.abort(canceled());
    end.resolve();
    assert.deepEqual(await call, {});
  });

  it('are given up at once when they change nothing, and when they did not come to their node', async () => {
    const { begun, handler } = endless();
    const { client } = await serve({ 'node.delay': handler });
    const first = new AbortController();
    const delay = client.call(node, 'node.delay', { duration: 60 }, { signal: first.signal });
    await begun;
    first.abort(canceled());
    await assert.rejects(delay, { code: 'canceled' });
    const second = new AbortController();
    const lost = clientOf(async () => {
      second.abort(canceled());
      throw new MerapiError('not_found', 'nobody knows where it is');
    });
    const call = lost.call(node, 'instance.stop', stop, { id: 'job/4/stop', signal: second.signal });
    await assert.rejects(call, { code: 'canceled' });
  });

  it('tell how far they are to whoever wants to hear it', async () => {
    const heard = deferred<Progress>();
    const told = { text: 'copying', done: 1, total: 4 };
    const { client, server } = await serve({
      'disk.copy': async (_, { tell }) => {
        tell(told);
        await heard.promise;
        return {};
      },
    });
    const options = { id: 'job/5/copy', tell: heard.resolve };
    assert.deepEqual(await client.call(node, 'disk.copy', { from: disk, to: disk }, options), {});
    assert.deepEqual(await heard.promise, told);
    const plain = new TestClient(server.port, certificates.master);
    resources.add(() => plain.close());
    const answer = await plain.call('disk.copy', { from: disk, to: disk }, 'job/6/copy');
    assert.deepEqual(answer.result, {});
  });
});

describe('the number of the contract', () => {
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  const resources = new Resources();
  after(() => resources.close());

  it('may differ by one, and the remedy is to upgrade the older side', () => {
    for (const near of [CONTRACT - 1, CONTRACT, CONTRACT + 1])
      assert.equal(contractMismatch(String(near), 'worker'), null);
    assert.match(contractMismatch(String(CONTRACT + 2), 'worker') ?? '', /on the host of the master$/);
    assert.match(contractMismatch(String(CONTRACT - 2), 'worker') ?? '', /on the host of the worker$/);
    assert.match(contractMismatch(String(CONTRACT + 2), 'master') ?? '', /on the host of the worker$/);
    assert.notEqual(contractMismatch('x', 'master'), null);
  });

  it('is told by the worker, which refuses masters that are too far', async () => {
    const journal = await Journal.open(await resources.folder(), { log: silentLogger, clock: systemClock });
    resources.add(() => journal.close());
    const server = await startRpcServer({
      clock: systemClock,
      ...{ listen: { host: '127.0.0.1', port: 0 }, tls: certificates.node, journal, log: silentLogger },
      handlers: {} as Handlers,
      facts: { current: async () => someFacts(), subscribe: () => () => undefined },
    });
    resources.add(() => server.close());
    const client = new TestClient(server.port, certificates.master);
    resources.add(() => client.close());
    for (const path of ['/facts', '/call/node.facts']) {
      const answer = await client.raw('GET', path, undefined, { [CONTRACT_HEADER]: String(CONTRACT + 5) });
      assert.equal(answer.status, 409);
      assert.match(answer.text, /upgrade Merapi on the host of the worker/);
    }
  });

  it('keeps a master from a worker that is too far, and says why', async () => {
    const { cert, key, ca } = certificates.node;
    const server = createServer({ cert, key, ca, requestCert: true }, (_request, response) => {
      response.writeHead(200, { [CONTRACT_HEADER]: String(CONTRACT + 2) }).end('{"result":{}}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    resources.add(async () => {
      server.closeAllConnections();
      server.close();
    });
    const client = new NodeClient({
      clock: systemClock,
      ...{ tls: () => certificates.master, epoch: 1, runtime: new RuntimeTable(), log: silentLogger },
      endpointOf: async () => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }),
    });
    resources.add(() => client.close());
    await assert.rejects(client.call(node, 'node.hello', {}), {
      code: 'node_unreachable',
      message: new RegExp(
        `version ${CONTRACT + 2} of the protocol .*upgrade Merapi on the host of the master`,
      ),
    });
  });

  it('decides the form of parameters that have changed: workers of the version before get theirs', async () => {
    const { cert, key, ca } = certificates.node;
    const bodies: { params: object }[] = [];
    let contract = CONTRACT;
    const server = createServer({ cert, key, ca, requestCert: true }, async (request, response) => {
      response.writeHead(200, { [CONTRACT_HEADER]: String(contract) });
      if (request.url === '/facts') return response.write(`${JSON.stringify(someFacts())}\n`);
      bodies.push(JSON.parse(await text(request)));
      return response.end('{"result":{}}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    resources.add(async () => {
      server.closeAllConnections();
      server.close();
    });
    const ask = async () => {
      const client = new NodeClient({
        clock: systemClock,
        ...{ tls: () => certificates.master, epoch: 1, runtime: new RuntimeTable(), log: silentLogger },
        endpointOf: async () => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }),
      });
      await client.call(node, 'disk.create', { disk }, { id: 'before' });
      await client.follow([node]);
      await client.call(node, 'disk.create', { disk }, { id: 'after' });
      await client.close();
      return bodies.splice(0).map(({ params }) => params);
    };
    const older = { disk, instance_name: disk.uuid };
    assert.deepEqual(await ask(), [older, { disk }], 'before its version is known it may be either');
    contract = CONTRACT - 1;
    assert.deepEqual(await ask(), [older, older]);
    assert.deepEqual(calls['disk.create'].params.parse(older), older);
  });
});
