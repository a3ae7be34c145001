import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { Connections, connectionLimits } from '../../../lib/base/connections.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { type Identity, issueAlone } from '../../../lib/base/tls.ts';
import { systemWorld } from '../../../lib/base/world.ts';
import { Arrivals, type Receive } from '../../../lib/node/backup/arrivals.ts';
import { announce, sendToCluster } from '../../../lib/node/backup/send.ts';
import { VirtualTime } from '../../helpers/clock.ts';
import { eventually } from '../../helpers/program.ts';
import { deferred } from '../helpers.ts';

describe('data from other clusters', () => {
  const time = new VirtualTime();
  const arrivals = new Arrivals(
    '127.0.0.1',
    silentLogger,
    new Connections(connectionLimits(), silentLogger),
    { ...systemWorld, clock: time.clock() },
  );
  let [here, there, stranger]: Identity[] = [];
  before(async () => {
    [here, there, stranger] = await Promise.all(
      ['here', 'there', 'other'].map((name) => issueAlone(name, 600)),
    );
  });
  after(() => arrivals.closeAll());
  const open = (count: number, receive: Receive, patience = 60) => {
    assert.ok(here && there);
    return arrivals.open('id', { ...here, ca: there.cert }, { count, patience }, receive);
  };
  const send = (data: Readable, to: { host: string; port: number; secret: string }, who = there) => {
    assert.ok(here && who);
    return sendToCluster(data, to, { ...who, ca: here.cert }, 'gzip', {
      ...{ signal: AbortSignal.timeout(20_000), tell: () => undefined },
    });
  };
  const wait = (seconds = 20) => arrivals.wait('id', seconds, AbortSignal.timeout(20_000));
  const textOf = async (data: Readable) => {
    let text = '';
    for await (const chunk of data) text += chunk;
    return text;
  };

  it('arrive each under its secret, once, from the one who is trusted', async () => {
    const got: Record<number, string> = {};
    const { secrets, ...place } = await open(2, async (index, data) => {
      got[index] = await textOf(data);
    });
    const [first = '', second = ''] = secrets;
    const look = wait(0);
    await time.advance(1);
    assert.deepEqual(await look, { done: false, bytes: [0, 0] });
    await assert.rejects(
      send(Readable.from(['x']), { ...place, secret: 'guess' }),
      /This node waits for no data/,
    );
    await assert.rejects(
      send(Readable.from(['x']), { ...place, secret: first }, stranger),
      /Cannot send the data/,
    );
    const bytes = await send(Readable.from(['two']), { ...place, secret: second });
    await assert.rejects(
      send(Readable.from(['again']), { ...place, secret: second }),
      /This node waits for no data/,
    );
    const waiting = wait();
    await send(Readable.from(['o', 'ne']), { ...place, secret: first });
    assert.deepEqual((await waiting).done, true);
    assert.equal((await wait()).bytes[1], bytes);
    assert.deepEqual(got, { 0: 'one', 1: 'two' });
  });

  it('that break off are a failure on both sides', async () => {
    const begun = deferred<void>();
    const opened = await open(1, async (_index, data) => {
      for await (const _chunk of data) begun.resolve();
    });
    const to = { ...opened, secret: opened.secrets[0] as string };
    const broken = Readable.from(
      (async function* () {
        yield randomBytes(1 << 20);
        await begun.promise;
        throw new MerapiError('execution', 'the disk is gone');
      })(),
    );
    await assert.rejects(send(broken, to), { code: 'execution', message: 'the disk is gone' });
    await assert.rejects(wait(), { code: 'execution', message: /broke off before all data was sent/ });
  });

  it('are failed at once when they are taken back', async () => {
    assert.ok(here && there);
    const opened = await open(1, async () => undefined, 60);
    const to = { ...opened, secret: opened.secrets[0] as string };
    const tls = { ...there, ca: here.cert };
    await announce(to, tls, 'POST', systemWorld.clock);
    const look = wait(100);
    await time.advance(100_000);
    assert.deepEqual(await look, { done: false, bytes: [0] }, 'what is promised may take longer');
    const failing = assert.rejects(wait(), { code: 'execution', message: /has given up/ });
    await announce({ ...to, secret: 'guess' }, tls, 'DELETE', systemWorld.clock);
    await announce(to, tls, 'DELETE', systemWorld.clock);
    await failing;
    await announce({ ...to, port: 1 }, tls, 'DELETE', systemWorld.clock);
  });

  it('that cannot be used are told of to their sender', async () => {
    const opened = await open(1, async () => {
      throw new MerapiError('block_device', 'no space');
    });
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65536);
      })(),
    );
    await assert.rejects(send(endless, { ...opened, secret: opened.secrets[0] as string }), {
      code: 'execution',
      message: 'The other cluster failed: no space',
    });
    await assert.rejects(wait(), { code: 'block_device', message: 'no space' });
  });

  it('are given up by the sender when the answer does not end', async () => {
    assert.ok(here && there);
    const server = createServer({ ...here, ca: there.cert, requestCert: true }, (request, response) => {
      request.resume();
      const endless = (function* () {
        for (;;) yield Buffer.alloc(4096, ' ');
      })();
      Readable.from(endless).pipe(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await assert.rejects(send(Readable.from(['x']), { host: '127.0.0.1', port, secret: 's' }), {
      code: 'execution',
      message: /^Cannot send the data to 127\.0\.0\.1 port/,
    });
    server.closeAllConnections();
    server.close();
  });

  it('fail when they stand still for a day', async () => {
    const opened = await open(2, async (_index, data) => {
      for await (const _ of data);
    });
    const data = new PassThrough();
    const sent = assert.rejects(send(data, { ...opened, secret: opened.secrets[0] as string }));
    data.write(randomBytes(300_000));
    const arrived = async () => {
      const look = wait(0);
      await time.advance(1);
      return ((await look).bytes[0] ?? 0) > 0 || null;
    };
    await eventually('some of it has come', arrived);
    await time.advance(60_000);
    await time.advance(86_000_000);
    assert.equal(await arrived(), true, 'it may take its time');
    const late = assert.rejects(wait(300_000), { code: 'timeout', message: /no data within 86400 s/ });
    await time.advance(400_000);
    await time.advance(86_400_000); // some of the data may have come after the first look
    await late;
    data.destroy();
    await sent;
  });

  it('are waited for no longer than was said', async () => {
    await open(1, async () => undefined, 60);
    const late = assert.rejects(wait(100), { code: 'timeout', message: /sent no data within 60 s/ });
    await time.advance(60_000);
    await late;
    assert.ok(here && there);
    const opened = await open(1, async () => undefined, 60);
    const to = { ...opened, secret: opened.secrets[0] as string };
    await announce(to, { ...there, ca: here.cert }, 'POST', systemWorld.clock);
    const later = assert.rejects(wait(90_000), { code: 'timeout', message: /no data within 86460 s/ });
    await time.advance(86_460_000);
    await later;
    await open(1, async () => undefined);
    const failing = assert.rejects(wait(), /no longer waits for this data/);
    await arrivals.close('id');
    await failing;
    await assert.rejects(wait(), { code: 'execution', message: /worker has restarted/ });
    await open(0, async () => undefined);
    assert.deepEqual(await wait(), { done: true, bytes: [] });
  });
});
