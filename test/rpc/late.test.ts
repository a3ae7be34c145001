import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../lib/base/clock.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { Journal } from '../../lib/node/journal.ts';
import { NodeClient } from '../../lib/rpc/client.ts';
import { calls } from '../../lib/rpc/registry.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { type Handlers, startRpcServer } from '../../lib/rpc/server.ts';
import { aNode, someFacts } from '../helpers/view.ts';
import { type Certificates, deferred, fileDisk, makeCertificates, Resources } from '../node/helpers.ts';

const node = aNode('node1');
const disk = fileDisk('/srv/ganeti/file-storage/a/0');
const create = { disk, instance_name: 'a' };

/** A line to a port that holds back what the master sends, also when the master has hung up. */
class Line {
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #isHolding = false;
  #isCut = false;
  port = 0;

  static async to(port: number, resources: Resources): Promise<Line> {
    const line = new Line();
    const server = createServer((near) => line.#join(near, connect(port, '127.0.0.1')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    line.port = (server.address() as { port: number }).port;
    resources.add(async () => {
      for (const socket of line.#sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return line;
  }

  hold(): void {
    this.#isHolding = true;
  }

  /** Ends all connections for the master's side, and refuses new ones. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) if (socket.localPort === this.port) socket.destroy();
  }

  /** Takes new connections; what was held back stays back. */
  heal(): void {
    [this.#isCut, this.#isHolding] = [false, false];
  }

  /** Hands over what was held back: how many pieces there were. */
  release(): number {
    const held = this.#held.splice(0);
    for (const deliver of held) deliver();
    return held.length;
  }

  #join(near: Socket, far: Socket): void {
    if (this.#isCut) {
      near.destroy();
      far.destroy();
      return;
    }
    for (const socket of [near, far]) {
      this.#sockets.add(socket.on('error', () => undefined));
      socket.on('close', () => this.#sockets.delete(socket));
    }
    near.on('data', (data) => {
      if (this.#isHolding) this.#held.push(() => far.write(data));
      else far.write(data);
    });
    far.on('data', (data) => near.write(data));
  }
}

describe('a call that the master has given up', () => {
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  const resources = new Resources();
  after(() => resources.close());

  async function connected(some: Partial<Handlers>): Promise<{ line: Line; client: NodeClient }> {
    const refuse = async () => {
      throw new MerapiError('wrong_state', 'not in this test');
    };
    const handlers = Object.fromEntries(Object.keys(calls).map((name) => [name, refuse]));
    const journal = await Journal.open(await resources.folder(), { log: silentLogger, clock: systemClock });
    resources.add(() => journal.close());
    const server = await startRpcServer({
      clock: systemClock,
      listen: { host: '127.0.0.1', port: 0 },
      tls: certificates.node,
      handlers: { ...handlers, ...some } as Handlers,
      journal,
      facts: { current: async () => someFacts(), subscribe: () => () => undefined },
      log: silentLogger,
    });
    resources.add(() => server.close());
    const line = await Line.to(server.port, resources);
    const client = new NodeClient({
      clock: systemClock,
      tls: () => certificates.master,
      endpointOf: async () => ({ host: '127.0.0.1', port: line.port }),
      epoch: 7,
      runtime: new RuntimeTable(),
      log: silentLogger,
      patience: 100,
    });
    resources.add(() => client.close());
    return { line, client };
  }

  it('is not begun when it comes after its undo', { timeout: 20_000 }, async () => {
    const deeds: string[] = [];
    const { line, client } = await connected({
      'disk.create': async () => {
        deeds.push('create');
        return {};
      },
      'disk.remove': async () => {
        deeds.push('remove');
        return {};
      },
      'disk.status': async () => {
        deeds.push('status');
        return { disks: [] };
      },
    });
    await client.call(node, 'disk.status', { disks: [] });
    await sleep(200); // until the connection is free for the next call
    line.hold();
    const lost = client.call(node, 'disk.create', create, { id: '1/0/create' });
    await sleep(200);
    line.cut();
    await assert.rejects(lost, { code: 'node_unreachable' });
    line.heal();
    await client.call(node, 'disk.remove', { disk }, { id: '1/0/undo/create', ends: '1/0/' });
    assert.ok(line.release() > 0);
    await client.call(node, 'disk.status', { disks: [] });
    await sleep(200);
    assert.deepEqual(deeds, ['status', 'remove', 'status']);
  });

  it('is ended before its undo begins when it is under way', { timeout: 20_000 }, async () => {
    const deeds: string[] = [];
    const begun = deferred<void>();
    const { line, client } = await connected({
      'disk.create': async (_params, { signal }) => {
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await sleep(50);
        deeds.push('create ended');
        signal.throwIfAborted();
        return {};
      },
      'disk.remove': async () => {
        deeds.push('remove');
        return {};
      },
    });
    const lost = client.call(node, 'disk.create', create, { id: '1/0/create' });
    await begun.promise;
    line.cut();
    await assert.rejects(lost, { code: 'node_unreachable' });
    line.heal();
    await client.call(node, 'disk.remove', { disk }, { id: '1/0/undo/create', ends: '1/0/' });
    assert.deepEqual(deeds, ['create ended', 'remove']);
  });
});
