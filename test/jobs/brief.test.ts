import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import type { Principal } from '../../lib/access/principal.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { BRIEF_SLOTS, BriefJobs } from '../../lib/jobs/brief.ts';
import { History } from '../../lib/jobs/history.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { isReading } from '../../lib/opcodes/define.ts';
import { opcodeOf, opcodes } from '../../lib/opcodes/registry.ts';
import { viewOf } from '../helpers/view.ts';
import { QueueFixture } from './fixture.ts';

const nobody: Principal = { name: null, rights: [] };
const reader: Principal = { name: 'reader', rights: ['read'] };
const admin: Principal = { name: 'admin', rights: ['write'] };
const read: OpInput = { OP_ID: 'OP_OS_DIAGNOSE', output_fields: ['name'] };
const write: OpInput = { OP_ID: 'OP_CLUSTER_SET_PARAMS', maintain_node_health: false };

describe('opcodes that only read', () => {
  it('lock nothing, so nobody waits for them', () => {
    const view = viewOf({ nodes: [], groups: [], instances: [] });
    const reading = Object.keys(opcodes).map(opcodeOf).filter(isReading);
    assert.ok(reading.length >= 3);
    for (const opcode of reading) {
      const params = { ...opcode.example, use_locking: true } as never;
      assert.deepEqual(opcode.locks(params, view), [], opcode.id);
    }
  });
});

describe('jobs that only read', () => {
  let f: QueueFixture;
  beforeEach(async () => {
    await f?.close();
    f = await QueueFixture.make();
    f.answer = () => ({ definitions: [] });
    f.holds = ({ name }) => name === 'os.list';
  });
  after(() => f.close());

  const release = () => {
    f.holds = () => false;
    for (const call of f.held.splice(0)) call.end();
  };

  it('are so many at once for each user; they hold no lock and no slot that others wait for', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => f.manager.submit(nobody, [read])));
    const tooMany = {
      code: 'unavailable',
      message: /^One user may have at most 20 unfinished/,
    };
    await assert.rejects(f.manager.submit(nobody, [read]), tooMany);
    await assert.rejects(f.manager.submit(nobody, [read], { key: 'k', fingerprint: 'p' }), tooMany);
    ids.push(await f.manager.submit(reader, [read]));
    await f.queue.set({ archive_after: null });
    for (const op of [write, { OP_ID: 'OP_GROUP_ADD', group_name: 'g' }])
      assert.equal((await f.ended(await f.manager.submit(admin, [op]))).status, 'success');
    assert.deepEqual(f.queue.locks(), []);
    assert.equal(f.queue.state.running, 0);
    const statuses = await Promise.all(ids.map(async (id) => (await f.queue.get(id))?.status));
    assert.equal(statuses.filter((status) => status === 'running').length, BRIEF_SLOTS);
    release();
    for (const id of ids) assert.equal((await f.ended(id)).status, 'success');
    ids.push(await f.manager.submit(nobody, [read]));
    assert.equal((await f.ended(ids.at(-1) as number)).status, 'success');
  });

  it('that were refused, cancelled or wrong count no more', async () => {
    for (let round = 0; round < 25; round += 1) {
      await assert.rejects(f.manager.submit(nobody, [{ OP_ID: 'OP_OS_DIAGNOSE', nosuch: 1 }]));
      const id = await f.manager.submit(nobody, [read]);
      while (f.held.length < 2) await new Promise(setImmediate); // each node is asked
      await f.queue.cancel(id);
      for (const call of f.held.splice(0)) call.end();
      await f.ended(id);
    }
  });

  it('are no news, and survive a restart while they have not ended', async () => {
    const last = f.store.events.last;
    const id = await f.manager.submit(nobody, [read]);
    await f.ended(id, ({ status }) => status === 'running');
    await f.restart();
    release();
    assert.equal((await f.ended(id)).status, 'success');
    assert.equal(f.store.events.last, last);
  });

  it('are forgotten ten minutes after their end, with their keys; others stay', async () => {
    const open = await f.manager.submit(reader, [read]);
    await f.ended(open, ({ status }) => status === 'running');
    f.holds = () => false;
    const request = { key: 'k', fingerprint: 'p' };
    const brief = await f.manager.submit(nobody, [read], request);
    await f.ended(brief);
    const kept = await f.ended(await f.manager.submit(admin, [write]));
    const later = (seconds: number) =>
      new History(f.store, { ...systemClock, seconds: () => systemClock.seconds() + seconds });
    await later(590).forgetBrief();
    assert.equal(await f.manager.submit(nobody, [read], request), brief, 'it is kept for a while');
    await later(610).forgetBrief();
    assert.equal(await f.queue.get(brief), null);
    const again = await f.manager.submit(nobody, [read], request);
    assert.ok(again > brief, 'its key is forgotten, its number is not used again');
    await f.ended(again);
    const listed = await f.store.jobs.ids();
    assert.ok(listed.includes(kept.id) && listed.includes(open));
    release();
    await f.ended(open);
  });

  it('beyond the newest thousand are forgotten a minute after their end', async () => {
    f.holds = () => false;
    const ids: number[] = [];
    for (let count = 0; count < 5; count += 1)
      ids.push((await f.ended(await f.manager.submit(reader, [read]))).id);
    const forget = (crowded: number) =>
      f.store.commit({ job: null }, () => [{ change: 'jobs-forget', before: 0, crowded, most: 2 }]);
    await forget(0);
    assert.deepEqual(await f.store.jobs.ids(), ids);
    await forget(Date.now());
    assert.deepEqual(await f.store.jobs.ids(), ids.slice(3));
  });
});

describe('the limits of jobs that only read', () => {
  it('are also by the minute, for each user and for all', async () => {
    let now = 600;
    const clock = { ...systemClock, seconds: () => now };
    const jobs = new BriefJobs(clock, { atOnce: { each: 2, all: 3 }, perMinute: { each: 3, all: 4 } });
    let last = 0;
    const one = async (user: string) => {
      last = await jobs.submit(user, async (onStored) => {
        onStored(last + 1);
        return last + 1;
      });
      return last;
    };
    const refused = (message: RegExp) => ({ code: 'unavailable', message });
    for (let count = 0; count < 3; count += 1) jobs.ended(await one('a'));
    await assert.rejects(one('a'), refused(/^One user may submit at most 3 in a minute/));
    await one('b');
    await assert.rejects(one('b'), refused(/^All users together may submit at most 4 in a minute/));
    now += 60;
    await one('a');
    await one('a');
    await assert.rejects(one('a'), refused(/^One user may have at most 2 unfinished/));
    await assert.rejects(one('b'), refused(/^All users together may have at most 3 unfinished/));
    jobs.ended(last);
    await one('b');
  });
});
