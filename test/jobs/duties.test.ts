import assert from 'node:assert/strict';
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import type { Cancellation } from '../../lib/jobs/cancel.ts';
import { diskTemplates } from '../../lib/model/templates/index.ts';
import type { CallName } from '../../lib/rpc/registry.ts';
import { eventually } from '../helpers/program.ts';
import { create, InstanceFixture, instance_name } from '../units/instance/fixture.ts';

const [node1, node2] = ['node1.example.com', 'node2.example.com'];

describe('a duty', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => f.close());
  afterEach(() => {
    f.cluster.gate.call = undefined;
  });

  const duties = () => f.cluster.store.view.duties;
  const noneLeft = () => eventually('no duty is left', async () => duties().length === 0 || null);

  /** Lets these calls fail until that is taken back. */
  function failing(...names: CallName[]): string[] {
    const made: string[] = [];
    f.cluster.gate.call = async (name, make) => {
      made.push(name);
      if (names.includes(name)) throw new MerapiError('node_unreachable', 'the node does not answer');
      return make();
    };
    return made;
  }

  /** What there is of disks made of files on a node. */
  const filesOn = async (node: string) =>
    (await readdir(join(f.cluster.folder(node), 'file-storage'), { recursive: true }).catch(() => [])).sort();
  const volumesOn = async (node: string) =>
    (await readdir(join(f.cluster.folder(node), 'volumes', 'plain', 'xenvg')).catch(() => [])).sort();

  /** An instance whose creation fails, and the removal of whose disk fails as well. */
  async function leavesDisk(over: Record<string, unknown> = {}): Promise<number> {
    failing('instance.start', 'disk.remove');
    const job = await f.cluster.run(create({ start: true, ...over }));
    assert.equal(job.status, 'error');
    return job.id;
  }

  it('is what a job could not undo: it is kept with its reason, told, and done when the node takes it', async () => {
    const { events } = f.cluster.store;
    const since = events.last;
    const id = await leavesDisk();
    const [duty] = duties();
    assert.equal(duties().length, 1);
    assert.deepEqual(
      { ...duty, uuid: '', calls: duty?.calls.map(({ call }) => call), name: '', about: '', scope: '' },
      {
        ...{ uuid: '', name: '', about: '', scope: '', node: f.node(node1), calls: ['disk.remove'] },
        ...{ instances: [instance_name], job: id, opcode: 'OP_INSTANCE_CREATE', step: 'disk/0/create' },
        ...{ reason: 'the node does not answer', created: duty?.created, tries: duty?.tries },
        ...{ next_try: duty?.next_try, last_error: duty?.last_error, locks: duty?.locks },
      },
    );
    const { log = [] } = (await f.cluster.manager.job(SYSTEM, id))?.ops[0] ?? {};
    assert.ok(
      log.some(({ text }) =>
        text.startsWith('Not undone yet: disk/0/create: the node does not answer; it is now a duty'),
      ),
    );
    assert.notDeepEqual(await filesOn(node1), []);
    f.cluster.gate.call = undefined;
    await noneLeft();
    assert.deepEqual(await filesOn(node1), []);
    const told = (await events.after(since, 500)).events.filter(({ kind }) => kind === 'duty');
    assert.deepEqual([told[0]?.action, told[0]?.job], ['add', id]);
    assert.equal(told.at(-1)?.action, 'remove');
  });

  it('survives the master, and is tried at once by the next one', async () => {
    await leavesDisk();
    await f.cluster.restart();
    f.cluster.gate.call = undefined;
    await noneLeft();
    assert.deepEqual(await filesOn(node1), []);
  });

  it('survives a crash before each of its records: it is done, and never left with its locks', async () => {
    for (let records = 0; ; records++) {
      await leavesDisk();
      await eventually('it is tried', async () => (duties()[0]?.tries ?? 0) > 0 || null);
      let [count, isDead] = [0, false];
      f.cluster.gate.refusesDuty = () => {
        isDead ||= count++ === records;
        return isDead;
      };
      f.cluster.gate.call = undefined;
      await eventually('it is done or dead', async () => isDead || duties().length === 0 || null);
      const wasRefused = isDead;
      await f.cluster.restart();
      await noneLeft();
      await eventually('no lock is held', async () => f.cluster.locks.size === 0 || null);
      assert.deepEqual(await filesOn(node1), []);
      if (!wasRefused) return;
      assert.ok(records < 6, 'a duty has few records');
    }
  });

  it('does not touch data that a disk of the cluster has taken over', async () => {
    await leavesDisk({ disk_template: 'plain' });
    const [volume = ''] = await volumesOn(node1);
    assert.notEqual(volume, '');
    await f.cluster.done(
      create({
        disk_template: 'plain',
        disks: [{ adopt: volume, size: 1 }],
        instance_name: 'heir.example.com',
        os_type: null,
        no_install: true,
      }),
    );
    f.cluster.gate.call = undefined;
    await noneLeft();
    assert.deepEqual(await volumesOn(node1), [volume]);
    await f.remove('heir.example.com');
  });

  it('waits for a job that works on its instance', async () => {
    await leavesDisk();
    await f.cluster.done(create({ os_type: null, no_install: true }));
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const order: string[] = [];
    f.cluster.gate.call = async (name, make) => {
      if (name === 'instance.start') await held;
      if (name === 'instance.start' || name === 'disk.remove') order.push(name);
      return make();
    };
    const start = f.cluster.manager.submit(SYSTEM, [{ OP_ID: 'OP_INSTANCE_STARTUP', instance_name }]);
    const id = await start;
    await eventually(
      'it runs',
      async () => (await f.cluster.manager.job(SYSTEM, id))?.status === 'running' || null,
    );
    await f.cluster.restart(); // the duty is tried at once; the job has its locks back before
    letGo();
    await f.cluster.ended(id);
    await noneLeft();
    assert.equal(order[0], 'instance.start');
    await f.remove();
  });

  it('is not owed twice, and is given up by a word', async () => {
    await leavesDisk();
    const [duty] = duties();
    assert.ok(duty);
    await assert.rejects(f.cluster.manager.giveUpDuty(SYSTEM, 'nosuch', ''), { code: 'not_found' });
    await f.cluster.manager.giveUpDuty(SYSTEM, duty.uuid, 'the disk is removed by hand');
    assert.deepEqual(duties(), []);
    assert.notDeepEqual(await filesOn(node1), [], 'what was given up stays');
    await rm(join(f.cluster.folder(node1), 'file-storage', instance_name), { recursive: true });
    f.cluster.gate.call = undefined;
    await f.cluster.done(create());
    await f.remove();
  });

  it('is what stays of an instance whose removal has begun: that goes on to its end', async () => {
    await f.cluster.done(create({ disks: [{ size: 1 }, { size: 1 }] }));
    let count = 0;
    f.cluster.gate.call = async (name, make) => {
      if (name === 'disk.remove' && ++count > 1) throw new MerapiError('block_device', 'it is busy');
      return make();
    };
    const job = await f.cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name });
    assert.ok(job.ops[0]?.log.some(({ text }) => text.startsWith('Not done yet: disk/1/remove: it is busy')));
    assert.equal(f.cluster.store.view.instances.named(instance_name), undefined);
    f.cluster.gate.call = undefined;
    await noneLeft();
    assert.deepEqual(await filesOn(node1), []);
  });

  it('a cancel that comes when the first disk is gone is too late', async () => {
    await f.cluster.done(create({ disks: [{ size: 1 }, { size: 1 }] }));
    let id = 0;
    let answer: Cancellation | null = null;
    f.cluster.gate.call = async (name, make) => {
      const result = await make();
      if (name === 'disk.remove') answer ??= await f.cluster.manager.cancelJob(SYSTEM, id);
      return result;
    };
    id = await f.cluster.manager.submit(SYSTEM, [{ OP_ID: 'OP_INSTANCE_REMOVE', instance_name }]);
    const job = await f.cluster.ended(id);
    f.cluster.gate.call = undefined;
    assert.equal(job.status, 'success', JSON.stringify(answer));
    const told = 'what it has done cannot be undone, so it runs to its end';
    assert.deepEqual(answer, { canceled: false, text: `Job ${id} can no longer be canceled: ${told}` });
    assert.equal(f.cluster.store.view.instances.named(instance_name), undefined);
    assert.deepEqual(await filesOn(node1), []);
  });

  it('ends a guest on a node from which its instance was failed over while the node was away', async () => {
    await f.withInstance({ disk_template: 'drbd', snode: node2, start: true }, async () => {
      await f.withNode(node1, { offline: true }, async () => {
        await f.cluster.done({
          OP_ID: 'OP_INSTANCE_FAILOVER',
          instance_name,
          ignore_consistency: true,
        });
        assert.ok(duties().some(({ calls }) => calls[0]?.call === 'instance.stop'));
      });
      await f.cluster.restart();
      await noneLeft();
      assert.equal(f.cluster.runtime.guest(f.node(node1), f.instance), undefined);
      assert.equal(f.cluster.runtime.guest(f.node(node2), f.instance)?.state, 'running');
    });
  });

  it('is void when its node is not of the cluster any more', async () => {
    const id = await leavesDisk();
    const [duty] = duties();
    assert.equal(duty?.job, id);
    f.cluster.gate.call = async (name, make) => {
      if (name === 'disk.remove') throw new MerapiError('node_unreachable', 'the node does not answer');
      return make();
    };
    await f.cluster.store.commit({ job: null }, () => [
      {
        change: 'put',
        kind: 'duty',
        object: { ...(duty ?? assert.fail()), node: 'gone', tries: 0, next_try: 0 },
      },
    ]);
    await noneLeft();
    f.cluster.gate.call = undefined;
    await f.cluster.done(create());
    await f.remove();
    await access(f.cluster.folder(node2));
  });
});
