import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { TestCluster } from '../helpers/cluster.ts';

const names = ['web.example.com', 'mail.example.com'];

describe('tags', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
    for (const instance_name of names)
      await cluster.done({
        ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name, mode: 'create', disk_template: 'diskless' },
        ...{ os_type: 'noop', pnode: 'node1', disks: [], nics: [], start: false },
      });
    await cluster.done({ OP_ID: 'OP_NETWORK_ADD', network_name: 'lan', network: '203.0.113.0/29' });
  });
  after(() => cluster.close());

  const objects: [string, string | null][] = [
    ['cluster', null],
    ['node', 'node1'],
    ['nodegroup', 'default'],
    ['network', 'lan'],
  ];
  for (const [kind, name] of objects)
    it(`of a ${kind} wait for no job of an instance, and keep none waiting`, async () => {
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const reached = new Set<unknown>();
      let both: () => void = () => undefined;
      const bothReached = new Promise<void>((resolve) => {
        both = resolve;
      });
      cluster.gate.call = async (call, make) => {
        if (call !== 'instance.start') return make();
        reached.add(make);
        if (reached.size === names.length) both();
        await held;
        return make();
      };
      const start = (instance_name: string): OpInput => ({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name });
      const first = await cluster.manager.submit(SYSTEM, [start(names[0] ?? '')]);
      await cluster.done({ OP_ID: 'OP_TAGS_SET', kind, name, tags: ['one'] });
      const second = await cluster.manager.submit(SYSTEM, [start(names[1] ?? '')]);
      await cluster.done({ OP_ID: 'OP_TAGS_DEL', kind, name, tags: ['one'] });
      await bothReached;
      release();
      for (const id of [first, second]) assert.equal((await cluster.ended(id)).status, 'success');
      cluster.gate.call = undefined;
      for (const instance_name of names)
        await cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name, timeout: 0 });
    });

  for (const [kind, name] of [...objects, ['instance', names[0] ?? ''] as [string, string]])
    it(`of a ${kind} are changed in the order in which that was asked`, async () => {
      const ops = Array.from({ length: 10 }, () => ['OP_TAGS_SET', 'OP_TAGS_DEL']).flat();
      const ids = await Promise.all(
        ops.map((OP_ID) => cluster.manager.submit(SYSTEM, [{ OP_ID, kind, name, tags: ['two'] }])),
      );
      for (const id of ids) assert.equal((await cluster.ended(id)).status, 'success', `job ${id}`);
    });
});
