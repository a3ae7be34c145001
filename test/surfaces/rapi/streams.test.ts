import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { Connections, connectionLimits } from '../../../lib/base/connections.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import type { RapiServer } from '../../../lib/surfaces/rapi/server.ts';
import { QueueFixture } from '../../jobs/fixture.ts';
import { serveManager } from './fixture.ts';

const MANY = 25;
const auth = { authorization: `Basic ${Buffer.from('admin:x').toString('base64')}` };

describe('streams that end', () => {
  let f: QueueFixture;
  let server: RapiServer;
  const connections = new Connections(connectionLimits(), silentLogger);
  before(async () => {
    f = await QueueFixture.make();
    server = await serveManager(f.manager, undefined, {
      connections,
      heartbeat: 20,
      waitTimeout: 3_600_000,
      streams: { all: 4, each: 2 },
    });
  });
  after(async () => {
    await server.close();
    await f.close();
  });

  const settled = async (is: () => boolean) => {
    while (!is()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const open = async (path: string, headers: http.OutgoingHttpHeaders = {}, body = '') => {
    const request = http.get(server.url + path, { headers, agent: false });
    request.on('error', () => undefined);
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return { request, response: response.setEncoding('utf8') };
  };
  const change = (n: number) => f.run({ OP_ID: 'OP_GROUP_ADD', group_name: `g${n}` });

  it('leave no listener behind, whether they were read, silent, filtered, or full', async () => {
    for (let count = 0; count < MANY; count++) {
      const path = ['/2/events', '/2/events?kind=network', '/2/events'][count % 3] as string;
      const { request, response } = await open(path, count % 3 === 2 ? { 'last-event-id': '0' } : {});
      if (count % 2) await once(response, 'data');
      else response.pause();
      if (count % 5 === 0) await change(count);
      request.destroy();
    }
    await settled(() => f.store.events.listeners === 0 && connections.open === 0);
  });

  it('of waits for jobs leave no listener behind', async () => {
    const job = await f.submit({
      OP_ID: 'OP_TEST_DELAY',
      duration: 0,
      on_master: false,
      on_nodes: ['node1.example.com'],
    });
    const held = await f.heldBy(job);
    const body = '{"fields":["id"],"previous_job_info":[1],"previous_log_serial":1000}'.replace(
      '[1]',
      `[${job}]`,
    );
    for (let count = 0; count < MANY; count++) {
      const request = http.request(`${server.url}/2/jobs/${job}/wait`, {
        method: 'GET',
        headers: { ...auth, 'content-type': 'application/json', 'content-length': body.length },
        agent: false,
      });
      request.on('error', () => undefined);
      request.end(body);
      await settled(() => f.queue.watchers.size === 1);
      request.destroy();
      await settled(() => f.queue.watchers.size === 0);
    }
    held.end();
    await f.ended(job);
    assert.equal(f.queue.watchers.size, 0);
  });

  it('a stream of which nothing is wanted tells its newest id again and again, however much happens', async () => {
    const { request, response } = await open('/2/events?kind=network');
    let text = '';
    response.on('data', (part: string) => {
      text += part;
    });
    let [round, isOver] = [100, false];
    const busy = (async () => {
      while (!isOver) await change(round++);
    })();
    await settled(() => (text.match(/^id: \d+\n\n/gm) ?? []).length >= 4);
    isOver = true;
    await busy;
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.deepEqual(
      ids,
      ids.toSorted((a, b) => a - b),
    );
    assert.doesNotMatch(text, /data:/);
    await settled(() => text.endsWith(`id: ${f.store.events.last}\n\n`));
    request.destroy();
  });

  it('are limited for each and in all, and give their places back', async () => {
    const opened = [await open('/2/events'), await open('/2/events')];
    const { response: third } = await open('/2/events');
    assert.equal(third.statusCode, 503);
    third.resume();
    opened.push(await open('/2/events', auth), await open('/2/events', auth));
    const { response: fifth } = await open('/2/events', auth);
    assert.equal(fifth.statusCode, 503);
    fifth.resume();
    for (const { request } of opened) request.destroy();
    await settled(() => connections.open === 0);
    const again = await open('/2/events');
    assert.equal(again.response.statusCode, 200);
    again.request.destroy();
  });
});
