import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MerapiError } from '../../../lib/base/errors.ts';
import { stringifyJson } from '../../../lib/base/json.ts';
import type { JobOp, OpInput } from '../../../lib/model/job.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { create, InstanceFixture, instance_name, makeOs } from './fixture.ts';

describe('changing instances', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => f.close());

  const modify = (over: Record<string, unknown>): OpInput => ({
    OP_ID: 'OP_INSTANCE_SET_PARAMS',
    instance_name,
    ...over,
  });
  const change = async (over: Record<string, unknown>): Promise<JobOp> => {
    const [op] = (await f.cluster.done(modify(over))).ops;
    return op ?? assert.fail();
  };
  const disks = () => f.cluster.store.view.disksOf(f.instance);
  const guest = () => f.cluster.runtime.guest(f.instance.primary_node, f.instance);

  const withInstance = (over: Record<string, unknown>, use: () => Promise<void>) => f.withInstance(over, use);

  it('sets own values, and gives them back', () =>
    withInstance({}, async () => {
      const op = await change({
        beparams: { memory: '1G', vcpus: '2' },
      });
      assert.deepEqual(op.result, [
        ['be/memory', '1G'],
        ['be/vcpus', '2'],
      ]);
      assert.deepEqual(f.instance.beparams, { minmem: 1024, maxmem: 1024, vcpus: 2 });
      await change({ beparams: { vcpus: 'default', minmem: 501 } });
      assert.deepEqual(f.instance.beparams, { minmem: 504, maxmem: 1024 });
      const { result } = await change({ beparams: { minmem: null } });
      assert.deepEqual([f.instance.beparams, result], [{ maxmem: 1024 }, [['be/minmem', null]]]);
      await change({ beparams: { minmem: 504 } });
      await change({ os_name: 'flavoured+small', osparams: { colour: 'red' } });
      assert.deepEqual([f.instance.os, f.instance.osparams], ['flavoured+small', { colour: 'red' }]);
      await change({ osparams: { colour: 'default' } });
      assert.deepEqual(f.instance.osparams, {});
    }));

  it('keeps private OS parameters to itself', () =>
    withInstance({ os_type: 'flavoured+small' }, async () => {
      const op = await change({ osparams_private: { colour: 'ultraviolet' } });
      assert.deepEqual(op.result, [['os_private/colour', '<redacted>']]);
      assert.ok(!stringifyJson([op, f.instance]).includes('ultraviolet'));
      await change({ osparams_private: { colour: 'default' } });
      assert.equal(f.instance.osparams_private, null);
    }));

  it('adds, changes and removes NICs, in the old form too', () =>
    withInstance({ nics: [{ name: 'first' }] }, async () => {
      const added = await change({
        nics: [['add', { mode: 'routed', ip: '192.0.2.7', mac: 'AA:00:00:01:02:03' }]],
      });
      assert.deepEqual(added.result, [
        ['nic.1', 'add:mac=aa:00:00:01:02:03,ip=192.0.2.7,mode=routed,link=xen-br0,network=None'],
      ]);
      assert.deepEqual(added.resolved.nics, [
        ['add', -1, { mode: 'routed', ip: '192.0.2.7', mac: 'aa:00:00:01:02:03' }],
      ]);
      const changed = await change({
        nics: [
          ['modify', 'first', { ip: '192.0.2.8' }],
          ['modify', 1, { name: 'second' }],
        ],
      });
      assert.deepEqual(
        (changed.result as unknown[][]).map(([name]) => name),
        [
          ...['nic.ip/0', 'nic.link/0', 'nic.mode/0', 'nic.vlan/0'],
          ...['nic.name/1', 'nic.link/1', 'nic.mode/1', 'nic.vlan/1'],
        ],
      );
      const before = f.instance.nics;
      await change({ nics: [['add', 0, { link: 'br9' }]] });
      assert.deepEqual(f.instance.nics.slice(1), before);
      await change({
        nics: [
          ['remove', -1, {}],
          ['remove', 'first', {}],
        ],
      });
      assert.deepEqual(
        f.instance.nics.map(({ nicparams }) => nicparams.link),
        ['br9'],
      );
    }));

  it('adds, names, detaches, attaches and removes disks', () =>
    withInstance({ start: true }, async () => {
      const op = await change({
        disks: [
          ['add', -1, { size: '8M', mode: 'ro' }],
          ['modify', 0, { name: 'root' }],
        ],
      });
      assert.deepEqual(op.result, [
        ['disk/1', 'add:size=8,mode=ro'],
        ['disk.name/0', 'root'],
      ]);
      assert.deepEqual(
        disks().map(({ size, mode, name }) => [size, mode, name]),
        [
          [4, 'rw', 'root'],
          [8, 'ro', null],
        ],
      );
      const told = await change({ disks: [['add', { size: 2 }]], hotplug: true });
      assert.deepEqual(told.resolved.disks, [['add', -1, { size: 4, mode: 'rw', dev_type: 'file' }]]);
      assert.equal(told.resolved.file_driver, 'loop');
      assert.deepEqual(told.result, [
        ['disk/2', 'add:size=4,mode=rw'],
        ['disk/2', 'hotplug:done'],
      ]);
      assert.deepEqual((await change({ disks: [['remove', {}]] })).result, [['disk/2', 'remove']]);
      await f.cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name });
      const [, second] = disks();
      await change({ disks: [['detach', 1, {}]] });
      assert.equal(disks().length, 1);
      assert.equal(f.cluster.store.view.disk(second?.uuid ?? '')?.instance, null);
      await change({ disks: [['attach', { uuid: second?.uuid ?? '' }]] });
      assert.deepEqual(disks().map(({ uuid }) => uuid)[1], second?.uuid);
      const path = join(f.cluster.folder('node1.example.com'), 'file-storage', instance_name);
      const gone = await change({ disks: [['remove', 1, {}]] });
      assert.deepEqual(gone.result, [['disk/1', 'remove']]);
      assert.equal(f.cluster.store.view.disk(second?.uuid ?? ''), undefined);
      await access(path);
    }));

  it('shows changes in their one form: numbered, rounded up, what is "none" left out', () =>
    withInstance({ nics: [{ name: 'lan' }], disks: [{ size: 4, name: 'root' }] }, async () => {
      const op = await change({
        disks: [['add', { size: '10', name: 'NONE' }]],
        nics: [['modify', 0, { name: 'None', ip: 'NONE' }]],
        beparams: { memory: '0.1g' },
      });
      const { disks, nics, file_driver, beparams } = { ...op.input, ...op.resolved };
      assert.deepEqual(disks, [['add', -1, { size: 12, mode: 'rw', dev_type: 'file' }]]);
      assert.deepEqual(nics, [['modify', 0, {}]]);
      assert.deepEqual([file_driver, beparams], ['loop', { memory: '0.1g' }]);
      assert.deepEqual((op.result as unknown[][])[0], ['disk/1', 'add:size=12,mode=rw']);
      const unnamed = await change({ disks: [[0, { name: 'nOnE' }]] });
      assert.deepEqual(unnamed.resolved.disks, [['modify', 0, {}]]);
      assert.deepEqual(unnamed.result, [['disk.name/0', null]]);
      assert.ok(!('file_driver' in unnamed.resolved));
    }));

  it('shows as much as was looked at when a check fails', () =>
    withInstance({}, async () => {
      const failed = async (over: Record<string, unknown>) => {
        const [op] = (await f.cluster.run(modify(over))).ops;
        assert.equal(op?.status, 'error');
        return op?.resolved ?? {};
      };
      const add = ['add', { size: 10 }];
      const later = await failed({ disks: [add], nics: [['add', {}]], beparams: { memory: 'x' } });
      assert.deepEqual(later.disks, [['add', -1, { size: 12, mode: 'rw', dev_type: 'file' }]]);
      assert.deepEqual(later.nics, [['add', -1, { mac: 'auto' }]]);
      assert.ok(!('file_driver' in later));
      const strange = await failed({ disks: [['add', { size: 10, colour: 'red' }]] });
      assert.deepEqual(strange.disks, [['add', -1, { size: 12, colour: 'red', dev_type: 'file' }]]);
    }));

  it('gives a running guest its devices, or tells that it did not', () =>
    withInstance({ start: true, nics: [{}] }, async () => {
      const devices = async () => {
        const file = join(f.cluster.folder('node1.example.com'), 'guests', `${instance_name}.json`);
        return JSON.parse(await readFile(file, 'utf8')).devices;
      };
      const all = () => [...f.instance.disks, ...f.instance.nics.map(({ uuid }) => uuid)];
      const fails = async (over: Record<string, unknown>, message: RegExp) => {
        const { ops } = await f.cluster.run(modify(over));
        assert.equal(ops[0]?.failure?.code, 'hypervisor');
        assert.match(ops[0]?.failure?.message ?? '', message);
      };
      const moved = await change({
        nics: [
          ['modify', 0, { link: 'br7' }],
          ['add', 0, {}],
        ],
        disks: [['add', 0, { size: 2, name: 'first' }]],
        hotplug_if_possible: true,
      });
      assert.deepEqual(
        (moved.result as unknown[][]).filter(([, words]) => words === 'hotplug:done').map(([label]) => label),
        ['nic.0', 'nic/1', 'disk/0'],
      );
      assert.deepEqual((await devices()).sort(), all().sort());
      const { gate } = f.cluster;
      gate.call = async (name, make) => {
        if (name !== 'instance.plug' && name !== 'instance.unplug') return make();
        throw new MerapiError('hypervisor', 'it is deaf');
      };
      try {
        const before = [f.instance, disks(), await devices()];
        const strict = { nics: [['add', {}]], hotplug: true };
        await fails(strict, /nic\.2: it is deaf\. Shut the instance down/);
        await fails({ disks: [['remove', 'first', {}]] }, /disk\/0: it is deaf/);
        assert.deepEqual([f.instance, disks(), await devices()], before);
        const [op] = (await f.cluster.done(modify({ nics: [['remove', 0, {}]] }))).ops;
        assert.deepEqual(op?.result, [['NIC/0', 'remove']]);
        assert.match(op?.log.at(-1)?.text ?? '', /takes effect at the next start/);
        const told = await change({ nics: [['add', {}]], hotplug_if_possible: true });
        assert.deepEqual((told.result as unknown[][]).at(-1), ['nic.1', 'hotplug:failed']);
      } finally {
        gate.call = undefined;
      }
      const quiet = await change({ nics: [['modify', 0, { ip: '192.0.2.44' }]], hotplug: true });
      assert.ok(!stringifyJson(quiet.result).includes('hotplug'), 'an address is no matter of the guest');
      const [first] = disks();
      await change({ disks: [['remove', 'first', {}]] });
      assert.ok(first && !(await devices()).includes(first.uuid));
    }));

  it('attaches the disk of another instance, with its file', () =>
    withInstance({ disks: [{ size: 1 }, { size: 2, name: 'data' }] }, async () => {
      await change({ disks: [['detach', 'data', {}]] });
      const mail = 'mail.example.com';
      await f.cluster.done(create({ instance_name: mail, disk_template: 'diskless', disks: [] }));
      const attach = (node: string, over: object = {}) => ({
        ...modify({ disks: [['attach', -1, { name: 'data' }]], ...over }),
        instance_name: node,
      });
      await f.cluster.done(create({ instance_name: 'far.example.com', pnode: 'node2.example.com' }));
      await f.refuses(attach('far'), 'wrong_state', /is not on node node2/);
      await f.remove('far.example.com');
      const [{ uuid = '' } = {}] = f.cluster.store.view.freeDisks();
      await f.cluster.done(attach('mail'));
      const { view } = f.cluster.store;
      const owner = view.instances.named(mail) ?? assert.fail();
      const [disk] = view.disksOf(owner);
      assert.deepEqual([disk?.uuid, disk?.instance, owner.disk_template], [uuid, owner.uuid, 'file']);
      assert.match(String(disk?.logical_id[1]), /\/mail\.example\.com\/[^/]+$/);
      await f.cluster.done({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name: mail });
      await f.refuses(attach('mail'), 'not_found', /no detached disk/);
      await f.remove(mail);
    }));

  it('names devices so that each can be told from the others', () =>
    withInstance({ nics: [{ name: 'lan' }] }, async () => {
      await f.refuses(
        modify({ nics: [['add', { name: 'lan' }]] }),
        'resource_not_unique',
        /Two NICs .*'lan'/,
      );
      await f.refuses(modify({ nics: [['modify', 0, { name: '7' }]] }), 'wrong_input', /looks like a number/);
      const uuid = f.instance.uuid;
      await f.refuses(modify({ disks: [['modify', 0, { name: uuid }]] }), 'wrong_input', /or a uuid/);
      await change({ disks: [['modify', 0, { name: 'lan' }]] });
    }));

  it('takes it out of service and back, and changes the memory of a running guest', () =>
    withInstance({ start: true, beparams: { minmem: 64, maxmem: 256 } }, async () => {
      await f.refuses(modify({ offline: true }), 'wrong_state', /is not down/);
      assert.deepEqual((await change({ runtime_mem: 100 })).result, [['runtime_memory', 100]]);
      assert.equal(guest()?.memory, 100);
      await f.refuses(modify({ runtime_mem: 1000 }), 'wrong_input', /can be 64 to 256 MiB, not 1000/);
      await f.cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name });
      await f.refuses(modify({ runtime_mem: 100 }), 'wrong_state', /does not run/);
      assert.deepEqual((await change({ offline: true })).result, [['admin_state', 'offline']]);
      await f.refuses({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name }, 'wrong_state', /is offline/);
      await change({ offline: false });
      assert.equal(f.instance.admin_state, 'down');
    }));

  it('converts its disks, and moves where it belongs', () =>
    withInstance({ disk_template: 'plain' }, async () => {
      const op = await change({ disk_template: 'drbd', remote_node: 'node2' });
      assert.deepEqual(op.result, [['disk_template', 'drbd']]);
      assert.equal(f.instance.disk_template, 'drbd');
      const moved = await change({ pnode: 'node2' });
      assert.deepEqual(moved.result, [], 'Ganeti tells nothing of it');
    }));

  it('refuses what is not right, and then changes nothing', () =>
    withInstance({ nics: [{}] }, async () => {
      const cases: [Record<string, unknown>, string, RegExp][] = [
        [{}, 'wrong_input', /Nothing is to be changed/],
        [{ instance_communication: true }, 'wrong_input', /not supported/],
        [{ beparams: { bogus: 1 } }, 'type_enforcement', /bogus/],
        [{ beparams: { vcpus: 0 } }, 'wrong_input', /at least 1/],
        [{ beparams: { maxmem: 1 << 25 } }, 'wrong_input', /would violate the instance policy/],
        [{ hvparams: { nosuch: 1 } }, 'type_enforcement', /nosuch/],
        [{ hvparams: { kernel_path: '/x' } }, 'hypervisor', /'kernel_path' belongs to kvm/],
        [{ disks: [['add', { size: 10, nosuch: 1 }]] }, 'type_enforcement', /nosuch/],
        [{ hvparams: { migration_mode: 'live' } }, 'wrong_input', /Only the cluster/],
        [{ nics: [['modify', 9, { ip: '192.0.2.1' }]] }, 'execution', /has no NIC 9; it has 0 to 0/],
        [{ nics: [['attach', {}]] }, 'wrong_input', /attach is only for disks/],
        [{ nics: [['add', { vlan: 'x' }]] }, 'wrong_input', /'x' is not a list of VLANs; give .* \.5/],
        [{ nics: [['modify', 0, { mac: 'auto' }]] }, 'wrong_input', /give generate, not auto/],
        [
          { disks: [['add', { size: 4, spindles: 1 }]] },
          'wrong_input',
          /exclusive_storage, which node1.* does not have/,
        ],
        [{ disks: [['modify', 0, { vg: 'x' }]] }, 'type_enforcement', /vg .*; mode and name can/],
        [{ nics: [['add', 5, {}]] }, 'execution', /0 to 1, or -1/],
        [{ nics: Array(8).fill(['add', -1, {}]) }, 'wrong_input', /at most 8/],
        [{ nics: Array(2).fill(['add', {}]) }, 'wrong_input', /remove one NIC, not 2; give three items/],
        [{ disks: Array(2).fill(['remove', {}]) }, 'wrong_input', /remove one disk, not 2; give three items/],
        [{ disks: [['modify', 0, { size: 5 }]] }, 'wrong_input', /use grow-disk/],
        [{ disks: [['remove', 'nosuch', {}]] }, 'execution', /has no disk nosuch/],
        [{ disks: [['attach', { name: 'nosuch' }]] }, 'not_found', /no detached disk 'nosuch'/],
        [{ disks: [['add', { size: 1 << 26 }]] }, 'wrong_input', /would violate the instance policy/],
        [
          { disk_template: 'drbd', disks: [['add', { size: 1 }]] },
          'wrong_input',
          /disks and disk_template cannot be changed together/,
        ],
        [{ osparams: { nosuch: 1 } }, 'execution', /nosuch/],
        [{ os_name: 'gone', osparams: { a: 1 } }, 'execution', /no OS definition 'gone'/],
        [{ pnode: 'node2' }, 'wrong_state', /on one node only/],
      ];
      for (const [over, code, message] of cases) await f.refuses(modify(over), code, message);
      await f.refuses(
        { ...modify({ beparams: { vcpus: 1 } }), instance_name: 'nosuch' },
        'not_found',
        /nosuch/,
      );
    }));

  it('renames it with its files, and tells the OS', () =>
    withInstance({}, async () => {
      const folder = f.cluster.store.view.cluster.os_search_path[0] ?? '';
      const told = join(folder, 'told');
      const rename = `#!/bin/sh\nprintf '%s %s' "$OLD_INSTANCE_NAME" "$INSTANCE_NAME" > ${told}\n`;
      await makeOs(join(folder, 'renaming'), { rename });
      await change({ os_name: 'renaming' });
      const job = await f.cluster.done({
        OP_ID: 'OP_INSTANCE_RENAME',
        instance_name,
        new_name: 'MAIL.example.com',
      });
      assert.equal(job.ops[0]?.result, 'mail.example.com');
      assert.equal(await readFile(told, 'utf8'), `${instance_name} mail.example.com`);
      const { view } = f.cluster.store;
      const renamed = view.instances.named('mail.example.com') ?? assert.fail();
      assert.match(String(view.disksOf(renamed)[0]?.logical_id[1]), /\/mail\.example\.com\/[^/]+$/);
      await f.cluster.done({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'mail' });
      const again = { OP_ID: 'OP_INSTANCE_RENAME', instance_name: 'mail', new_name: instance_name };
      await f.refuses(again, 'wrong_state', /is not down/);
      await f.cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: 'mail' });
      const same = await f.cluster.done({ ...again, new_name: 'mail.example.com' });
      assert.equal(same.ops[0]?.result, 'mail.example.com');
      const other = 'other.example.com';
      await f.cluster.done(create({ instance_name: other, os_type: null }));
      await f.refuses({ ...again, new_name: other }, 'already_exists', /other\.example\.com already/);
      await f.remove(other);
      await f.refuses({ ...again, new_name: 'bad name' }, 'wrong_input', /not a host name/);
      await f.cluster.done(again);
    }));

  it('installs another OS, with secret parameters for this time alone', () =>
    withInstance({ start: true }, async () => {
      const reinstall = (over: Record<string, unknown>) => ({
        OP_ID: 'OP_INSTANCE_REINSTALL',
        instance_name,
        ...over,
      });
      await f.refuses(reinstall({}), 'wrong_state', /is not down/);
      const folder = f.cluster.store.view.cluster.os_search_path[0] ?? '';
      const told = join(folder, 'told-install');
      const script = `#!/bin/sh\nprintf '%s %s' "$INSTANCE_REINSTALL" "$OSP_COLOUR" > ${told}\n`;
      await makeOs(join(folder, 'painted'), { create: script, 'parameters.list': 'colour its colour\n' });
      await f.cluster.done(
        { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name },
        reinstall({ os_type: 'painted', osparams_secret: { colour: 'blue' } }),
        { OP_ID: 'OP_INSTANCE_STARTUP', instance_name },
      );
      assert.equal(await readFile(told, 'utf8'), '1 blue');
      assert.deepEqual([f.instance.os, f.instance.osparams, f.instance.admin_state], ['painted', {}, 'up']);
    }));

  it('installs with OS parameters that take the place of those that it had', () =>
    withInstance({ os_type: 'untyped', osparams: { a: '1', b: '2' } }, async () => {
      const reinstall = (over: Record<string, unknown>) =>
        f.cluster.done({ OP_ID: 'OP_INSTANCE_REINSTALL', instance_name, ...over });
      await reinstall({});
      assert.deepEqual(f.instance.osparams, { a: '1', b: '2' }, 'without any it keeps its own');
      await reinstall({ osparams: { c: '3' }, osparams_private: { key: 'dark' } });
      assert.deepEqual(f.instance.osparams, { c: '3' });
      assert.notEqual(f.instance.osparams_private, null);
      assert.ok(!stringifyJson(f.instance).includes('dark'));
      await reinstall({ osparams: {}, osparams_private: {} });
      assert.deepEqual([f.instance.osparams, f.instance.osparams_private], [{}, null]);
    }));

  it('installs nothing on an instance without disks', () =>
    withInstance({ disk_template: 'diskless', disks: [] }, async () => {
      const op = { OP_ID: 'OP_INSTANCE_REINSTALL', instance_name };
      await f.refuses(op, 'wrong_input', /has no disks/);
    }));
});
