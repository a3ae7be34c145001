import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clockOf, systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { systemWorld, type World } from '../../lib/base/world.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { Random } from '../helpers/random.ts';

const DAY = 24 * 3_600_000;

/** Days by which the clocks of the machines are wrong. */
const wrong: Readonly<Record<string, number>> = { master: 400, node1: -800, node2: 0.5 };

function worldOf(machine: string | null): World {
  if (machine === null) return systemWorld;
  const shift = (wrong[machine] ?? assert.fail(machine)) * DAY;
  const { now: steady, timer } = systemClock;
  const clock = clockOf({ wall: () => Date.now() + shift, steady, timer });
  return { ...systemWorld, clock, random: new Random(machine) };
}

describe('a cluster whose machines disagree about the time', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(
      ['node1', 'node2'],
      [],
      { enabled_disk_templates: ['drbd'] },
      silentLogger,
      worldOf,
    );
  });
  after(() => cluster?.close());

  it('makes instances, stops them and removes them, with the times of the master', async () => {
    const nodes = { pnode: 'node1', snode: 'node2' };
    await cluster.done({
      ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name: 'web', mode: 'create', os_type: 'noop', ...nodes },
      ...{ disk_template: 'drbd', disks: [{ size: 4 }], nics: [{}], wait_for_sync: true },
    });
    const instance = cluster.store.view.instances.named('web') ?? assert.fail('it is not there');
    const ahead = instance.ctime - Date.now() / 1000;
    assert.ok(Math.abs(ahead - (400 * DAY) / 1000) < 600, `${ahead} s ahead`);
    await cluster.restart();
    await cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: 'web' });
    await cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: 'web' });
  });
});
