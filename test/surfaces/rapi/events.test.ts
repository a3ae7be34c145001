import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { RapiServer } from '../../../lib/surfaces/rapi/server.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { serveManager } from './fixture.ts';

interface Message {
  id: number;
  event: string | null;
  data: Record<string, unknown> | null;
}

/** A stream of events that is being read. */
class Stream {
  readonly messages: Message[] = [];
  readonly #request: http.ClientRequest;
  #wake: () => void = () => undefined;
  #rest = '';

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#request = http.get(url, { headers, agent: false }, (response) => {
      assert.equal(response.statusCode, 200);
      assert.equal(response.headers['content-type'], 'text/event-stream');
      response.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    });
    this.#request.on('error', () => undefined);
  }

  /** Waits for the first message that is as wanted. */
  async until(wanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.messages.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#request.destroy();
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split('\n\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      const fields = Object.fromEntries(
        part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const data = fields.data === undefined ? null : JSON.parse(fields.data);
      this.messages.push({ id: Number(fields.id), event: fields.event ?? null, data });
    }
    this.#wake();
  }
}

describe('events and the queue over the API', () => {
  let cluster: TestCluster;
  let server: RapiServer;
  const serve = () => serveManager(cluster.manager, (name) => (name === 'admin' ? ['write'] : []));
  before(async () => {
    cluster = await TestCluster.start();
    server = await serve();
  });
  after(async () => {
    await server.close();
    await cluster.close();
  });

  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from('admin:x').toString('base64')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as never };
  };
  const addGroup = async (name: string): Promise<number> => {
    const { body } = await ask('POST', '/2/groups', { group_name: name });
    await cluster.ended(body);
    return body;
  };

  it('a stream tells what happens from now on, and goes on where it was after a restart of the master', async () => {
    const stream = new Stream(`${server.url}/2/events`);
    await stream.until(({ event }) => event === null); // it has begun
    const job = await addGroup('one');
    const added = await stream.until(({ data }) => data?.kind === 'nodegroup' && data.action === 'add');
    assert.deepEqual([added.data?.name, added.data?.job, added.event], ['one', job, 'nodegroup']);
    const end = await stream.until(({ data }) => data?.kind === 'job' && data.action === 'success');
    assert.equal(end.data?.uuid, String(job));
    stream.close();
    await server.close();
    await cluster.restart();
    await addGroupDirectly('meanwhile');
    server = await serve();
    const again = new Stream(`${server.url}/2/events?kind=nodegroup`, { 'last-event-id': String(added.id) });
    const missed = await again.until(({ event }) => event !== null);
    assert.equal(missed.data?.name, 'meanwhile');
    const ids = again.messages.map(({ id }) => id);
    assert.deepEqual(
      ids,
      ids.toSorted((a, b) => a - b),
    );
    again.close();
  });
  const addGroupDirectly = (group_name: string) => cluster.done({ OP_ID: 'OP_GROUP_ADD', group_name });

  it('a stream that has missed what is not kept any more says so', async () => {
    const { store } = cluster;
    await store.commit({ job: null }, () => [
      { change: 'events-forget', upTo: store.events.last - 1, aged: { before: 0, upTo: 0 } },
    ]);
    await cluster.restart();
    await server.close();
    server = await serve();
    const stream = new Stream(`${server.url}/2/events`, { 'last-event-id': '1' });
    const gap = await stream.until(({ event }) => event === 'gap');
    assert.deepEqual(gap.data, { after: 1, first: cluster.store.events.last });
    stream.close();
    const fromTheFuture = new Stream(`${server.url}/2/events`, { 'last-event-id': '999999' });
    const restored = await fromTheFuture.until(({ event }) => event === 'gap');
    assert.deepEqual(restored.id, cluster.store.events.last);
    await addGroupDirectly('after-all');
    await fromTheFuture.until(({ data }) => data?.name === 'after-all');
    fromTheFuture.close();
  });

  it('lists answer at once, with filters', async () => {
    const from = cluster.store.events.last;
    const first = await addGroup('alpha');
    const second = await addGroup('beta');
    type List = { events: Record<string, unknown>[]; first: number; last: number };
    const list = async (args: string) =>
      (await ask('GET', `/2/events?since=${from}${args}`)).body as unknown as List;
    const all = await list('');
    assert.deepEqual([all.events.length, all.last], [8, cluster.store.events.last]);
    assert.deepEqual((await list(`&job=${second}`)).events.length, 4);
    assert.deepEqual(
      (await list('&kind=nodegroup')).events.map(({ name }) => name),
      ['alpha', 'beta'],
    );
    assert.deepEqual((await list(`&object=alpha&object=${first}`)).events.length, 4);
    assert.equal((await ask('GET', '/2/events?since=now')).status, 400);
    assert.equal((await ask('GET', '/2/events', undefined, { 'last-event-id': 'x' })).status, 400);
  });

  it('a slow reader holds nothing up, and loses nothing', async () => {
    const from = cluster.store.events.last;
    const socket = http.get(`${server.url}/2/events`, {
      agent: false,
      headers: { 'last-event-id': String(from) },
    });
    const response = await new Promise<http.IncomingMessage>((resolve) => socket.once('response', resolve));
    response.pause();
    for (let round = 0; round < 30; round++)
      await cluster.done({ OP_ID: 'OP_TAGS_SET', kind: 'cluster', tags: [`round-${round}`] });
    const last = cluster.store.events.last;
    let text = '';
    await new Promise<void>((resolve) => {
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.includes(`id: ${last}\n`)) resolve();
      });
      response.resume();
    });
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.deepEqual(new Set(ids).size, last - from + 1);
    socket.destroy();
  });

  it('an Idempotency-Key makes one job of a repeated request', async () => {
    const send = (name: string, key: string) =>
      ask('POST', '/2/groups', { group_name: name }, { 'idempotency-key': key });
    const answers = await Promise.all([send('keyed', 'a-1'), send('keyed', 'a-1')]);
    assert.deepEqual(answers[0], answers[1]);
    await cluster.ended(answers[0]?.body as never);
    assert.deepEqual(await send('keyed', 'a-1'), answers[0]);
    assert.equal((await send('other', 'a-1')).status, 409);
    assert.equal((await send('other', 'with blank')).status, 400);
  });

  it('the queue is shown, drained and archived; a job tells why', async () => {
    const { body } = await ask('PUT', '/2/queue', { drained: true, archive_after: null });
    assert.deepEqual(body, {
      ...{ drained: true, archive_after: null, max_running_jobs: 20, running: 0, unfinished: 0 },
      trouble: null,
    });
    assert.equal((await ask('POST', '/2/groups', { group_name: 'never' })).status, 503);
    assert.equal((await ask('PUT', '/2/queue', { colour: 'red' })).status, 400);
    assert.equal((await ask('PUT', '/2/queue', { drained: false, archive_after: 21_600 })).status, 200);
    const job = await addGroup('last');
    const why: { text: string } = (await ask('GET', `/2/jobs/${job}/why`)).body;
    assert.equal(why.text, 'It has ended: success');
    assert.equal((await ask('GET', '/2/jobs/999999/why')).status, 404);
    assert.equal((await ask('PUT', `/2/jobs/${job}/archive`)).body, null);
    assert.ok(((await ask('PUT', '/2/queue/archive')).body as number) > 5);
    assert.deepEqual((await ask('GET', '/2/jobs')).body, []);
    assert.equal((await ask('PUT', '/2/queue/archive?age=old')).status, 400);
  });
});
