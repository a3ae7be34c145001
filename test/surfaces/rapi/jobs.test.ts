import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { Job } from '../../../lib/model/job.ts';
import type { RapiServer } from '../../../lib/surfaces/rapi/server.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { QueueFixture } from '../../jobs/fixture.ts';
import { serveManager } from './fixture.ts';

/** Together more than connections buffer. */
const LONG = 60;
const SHORT = 700;

describe('GET /2/jobs?bulk=1', () => {
  let f: QueueFixture;
  let server: RapiServer;
  /** Each reading of the list: the ids that were taken, and what resolves when nothing more is read. */
  const readings: { ids: number[]; ended: Promise<void> }[] = [];

  async function* noted(jobs: AsyncIterable<Job>, ids: number[], end: () => void): AsyncGenerator<Job> {
    try {
      for await (const job of jobs) {
        ids.push(job.id);
        yield job;
      }
    } finally {
      end();
    }
  }

  before(async () => {
    f = await QueueFixture.make();
    const add = (id: number, comment: string) => ({
      change: 'job-add' as const,
      secrets: new Map<number, string>(),
      job: aJob(id, [anOp({ OP_ID: 'OP_TAGS_GET', kind: 'cluster', comment })]),
    });
    for (let number = 0; number < LONG; number += 10)
      await f.store.commit({ job: null }, () =>
        Array.from({ length: 10 }, (_, place) => add(3 * (number + place + 1), 'x'.repeat(400_000))),
      );
    await f.store.commit({ job: null }, () =>
      Array.from({ length: SHORT }, (_, place) => add(1000 + place, `"${place}`)),
    );
    const { manager } = f;
    const jobs: typeof manager.jobs = (principal) => {
      const ids: number[] = [];
      let end = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      readings.push({ ids, ended });
      return noted(manager.jobs(principal), ids, end);
    };
    server = await serveManager({ ...manager, jobs });
  });
  after(async () => {
    await server.close();
    await f.close();
  });

  const open = async (path: string): Promise<http.IncomingMessage> => {
    const [response] = await once(http.get(server.url + path, { agent: false }), 'response');
    return response as http.IncomingMessage;
  };
  const text = async (response: http.IncomingMessage): Promise<string> => {
    let all = '';
    for await (const part of response.setEncoding('utf8')) all += part;
    return all;
  };

  it('is the jobs by their numbers, byte for byte as each is shown, but for results and logs', async () => {
    const response = await open('/2/jobs?bulk=1');
    assert.equal(response.headers['content-length'], undefined, 'it is sent while it is made');
    const answer = await text(response);
    const { ids = [] } = readings.at(-1) ?? {};
    assert.deepEqual(ids, await f.store.jobs.ids());
    assert.equal(ids.length, LONG + SHORT);
    const each: string[] = [];
    for (const id of ids) {
      const shown = (await text(await open(`/2/jobs/${id}`))).trimEnd();
      each.push(shown.replace(/,"oplog":.*,"opresult":.*\}$/, '}'));
    }
    assert.equal(answer, `[${each.join(',')}]\n`);
  });

  it('is read no further than a slow client takes it, and not at all when the client has gone', async () => {
    const response = await open('/2/jobs?bulk=1');
    await once(response, 'readable');
    const reading = readings.at(-1);
    assert.ok(reading);
    // Others are answered meanwhile; that takes longer than to read all jobs.
    for (let count = 0; count < 3; count++) await text(await open('/2/jobs?bulk=1'));
    assert.ok(reading.ids.length < LONG, `${reading.ids.length} jobs were read`);
    response.destroy();
    await reading.ended;
    assert.ok(reading.ids.length < LONG, `${reading.ids.length} jobs were read`);
  });
});
