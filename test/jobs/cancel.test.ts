import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { QueueFixture } from './fixture.ts';

/** The order in which the statuses of a job are told, each once at most. */
const ORDER = /^queued( running)?( canceling)? (success|error|canceled)$/;

describe('the events of one job', () => {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
    f.holds = () => false;
  });
  after(() => f.close());

  it('follow its statuses, whenever it is cancelled: nothing is told after its end', async () => {
    const from = f.store.events.last;
    const ids: number[] = [];
    const cancels: Promise<unknown>[] = [];
    for (let round = 0; round < 120; round++) {
      const tags = { OP_ID: 'OP_TAGS_SET', kind: 'cluster', tags: [`t${round}`] };
      const delay = { OP_ID: 'OP_TEST_DELAY', duration: 0, on_master: true, on_nodes: [] };
      const id = await f.submit(...([[tags], [tags, tags], [delay, tags], [delay]][round % 4] ?? []));
      ids.push(id);
      // After so many turns of the loop as it takes to begin, to write, to end, to be on disk.
      for (let turn = round % 11; turn > 0; turn--) await new Promise(setImmediate);
      for (let turn = round % 7; turn > 0; turn--) await undefined;
      cancels.push(f.queue.cancel(id));
    }
    await Promise.all(cancels);
    for (const id of ids) await f.ended(id);
    const { events } = await f.store.events.after(from, 100_000);
    const told = new Map<string, string[]>();
    for (const { kind, uuid, action } of events)
      if (kind === 'job') told.set(uuid, [...(told.get(uuid) ?? []), action]);
    for (const id of ids) {
      const job = await f.queue.get(id);
      const statuses = (told.get(String(id)) ?? []).join(' ');
      assert.match(statuses, ORDER, `job ${id}`);
      assert.ok(statuses.endsWith(` ${job?.status}`), `job ${id} ended in ${job?.status}: ${statuses}`);
    }
  });
});
