import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { put } from '../../lib/store/changes.ts';
import { EventLog } from '../../lib/store/events.ts';
import { Snapshot } from '../../lib/store/snapshot.ts';
import { aGroup } from '../helpers/view.ts';

it('events: the first one, written while stored ones are read, is no gap for who reads', async () => {
  const log: EventLog = new EventLog(systemClock, 0, async () => {
    log.publish(log.of(null, Snapshot.of([]), [put('nodegroup', aGroup())]));
    return { events: [], first: null }; // read before that
  });
  assert.deepEqual(await log.after(0, 10), { events: [], first: 1 });
  const { events, first } = await log.after(0, 10);
  assert.deepEqual([events.map(({ id, name }) => [id, name]), first], [[[1, 'default']], 1]);
});
