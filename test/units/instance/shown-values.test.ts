import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestCluster } from '../../helpers/cluster.ts';

const base = {
  OP_ID: 'OP_INSTANCE_CREATE',
  instance_name: 'web.example.com',
  mode: 'create',
  disk_template: 'file',
  disks: [{ size: 8 }],
  nics: [],
  no_install: true,
  pnode: 'host',
};

describe('what a job shows as Ganeti does, also where it fails', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['host']);
  });
  after(() => cluster.close());

  const run = async (op: object) => {
    const { ops } = await cluster.run(op as never);
    return { code: ops[0]?.failure?.code, shown: { ...ops[0]?.input, ...ops[0]?.resolved } };
  };

  it('fails at sizes below nothing in the job, with the disks as they were given', async () => {
    for (const size of [-4, '-4', '-4M']) {
      const { code, shown } = await run({ ...base, disks: [{ size: 8 }, { size }] });
      assert.equal(code, 'type_enforcement', String(size));
      assert.deepEqual(shown.disks, [{ size: 8 }, { size }]);
    }
  });

  it('shows NICs without what is null', async () => {
    const nics = [{ network: null, ip: null, mode: null, vlan: '5' }];
    const { code, shown } = await run({ ...base, dry_run: true, nics });
    assert.equal(code, undefined);
    assert.deepEqual(shown.nics, [{ vlan: '.5' }]);
  });

  it('shows the file driver and no second node when the uuid of the first is another', async () => {
    const { code, shown } = await run({ ...base, snode: 'other', pnode_uuid: 'x' });
    assert.deepEqual([code, shown.file_driver, shown.snode], ['resource_not_unique', 'loop', null]);
  });

  it('shows changes in one form when the instance is not known', async () => {
    const { code, shown } = await run({
      OP_ID: 'OP_INSTANCE_SET_PARAMS',
      instance_name: 'nosuch',
      nics: [['add', { network: null, ip: 'none' }]],
      disks: [['add', { size: '10' }]],
    });
    assert.equal(code, 'not_found');
    assert.deepEqual(shown.nics, [['add', -1, { mac: 'auto' }]]);
    assert.deepEqual(shown.disks, [['add', -1, { size: 10 }]]);
  });

  it('takes migration_mode of the hypervisor fake only as one of its words', async () => {
    const { code } = await run({ ...base, hypervisor: 'fake', hvparams: { migration_mode: 'x' } });
    assert.equal(code, 'hypervisor');
  });

  it('shows the memory of the cluster as minmem and maxmem', async () => {
    const { code, shown } = await run({ OP_ID: 'OP_CLUSTER_SET_PARAMS', beparams: { memory: '1G' } });
    assert.equal(code, undefined);
    assert.deepEqual(shown.beparams, { maxmem: 1024, minmem: 1024 });
  });
});
