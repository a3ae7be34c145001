import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { readClusterFile } from '../../lib/app/cluster-file.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import type { Json } from '../../lib/base/json.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { QueryArgs } from '../../lib/surfaces/rapi/query.ts';
import { TestCluster } from '../helpers/cluster.ts';

/** Names that every JavaScript object seems to have, or that change it. */
const odd = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
];
const own = (key: string, value: unknown) => JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`);

describe('keys that all objects seem to have', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['node1']);
  });
  after(() => cluster.close());

  /** How an opcode is refused: at its submission or by its job; nothing may have changed. */
  async function refused(op: OpInput): Promise<void> {
    const { view } = cluster.store;
    const what = JSON.stringify(op);
    try {
      const job = await cluster.run(op);
      assert.equal(job.status, 'error', what);
      assert.notEqual(
        job.ops[0]?.failure?.code,
        'internal_error',
        `${what}: ${job.ops[0]?.failure?.message}`,
      );
    } catch (error) {
      if (!(error instanceof MerapiError)) throw error;
      assert.equal(error.code, 'wrong_input', what);
    }
    assert.equal(cluster.store.view, view, `${what} changed something`);
  }

  for (const key of odd)
    it(`are refused like other unknown ones: ${key}`, async () => {
      const create = {
        ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name: 'web', mode: 'create', disk_template: 'diskless' },
        ...{ disks: [], nics: [], os_type: 'noop', pnode: 'node1', no_install: true, start: false },
      };
      const values = { OP_ID: 'OP_CLUSTER_SET_PARAMS' };
      const group = { OP_ID: 'OP_GROUP_SET_PARAMS', group_name: 'default' };
      const node = { OP_ID: 'OP_NODE_SET_PARAMS', node_name: 'node1' };
      for (const value of [1, 'x', { maxmem: 4 }, {}]) {
        const it = own(key, value);
        for (const param of ['hvparams', 'beparams']) await refused({ ...create, [param]: it });
        await refused({ ...create, disk_template: 'file', disks: [{ size: 4, ...own(key, 'x') }] });
        await refused({ ...create, nics: [it] });
        for (const param of ['beparams', 'nicparams', 'ndparams', 'ipolicy', 'diskparams', 'hvparams'])
          await refused({ ...values, [param]: it });
        for (const param of ['hvparams', 'os_hvp']) await refused({ ...values, [param]: { fake: it } });
        await refused({ ...values, os_hvp: { noop: { fake: it } } });
        await refused({ ...values, diskparams: { drbd: it } });
        for (const param of ['ndparams', 'ipolicy', 'diskparams']) await refused({ ...group, [param]: it });
        await refused({ ...group, ipolicy: { minmax: [{ min: it, max: it }] } });
        await refused({ ...node, ndparams: it });
      }
      await refused({ ...create, ...own(key, 1) } as OpInput);
      await refused({ ...create, os_type: key, no_install: false, start: true });
      for (const param of ['hypervisor', 'disk_template', 'pnode', 'mode', 'iallocator'])
        await refused({ ...create, ...(param === 'iallocator' ? { pnode: null } : {}), [param]: key });
      await refused({ OP_ID: 'OP_TAGS_SET', kind: key, tags: ['a'], name: null });
      await refused({ ...node, node_name: key });
      await refused({ ...group, group_name: key });
      await assert.rejects(async () => cluster.manager.submit(SYSTEM, [{ OP_ID: key }]), MerapiError);
    });

  it('name no resource, field or filter', async () => {
    for (const key of odd) {
      await assert.rejects(async () => cluster.manager.query(SYSTEM, key, ['name'], null), MerapiError);
      await assert.rejects(async () => cluster.manager.queryFields(SYSTEM, key, null), MerapiError);
      const { fields } = await cluster.manager.query(SYSTEM, 'node', ['name', key], null).then(
        (answer) => answer,
        (error) => {
          assert.ok(error instanceof MerapiError);
          return { fields: [] };
        },
      );
      if (fields.length > 0) assert.equal(fields[1]?.kind, 'unknown');
      for (const filter of [['=', key, 'x'], [key, 'name', 'x'], ['?', key], own(key, 1)])
        await assert.rejects(
          async () => cluster.manager.query(SYSTEM, 'node', ['name'], filter as Json),
          (error) => error instanceof MerapiError && error.code !== 'internal_error',
        );
      const put = (predicates: unknown) =>
        cluster.manager.putFilter(SYSTEM, null, {
          ...{ priority: 0, action: 'ACCEPT' as const, reason_trail: [] },
          predicates: predicates as never,
        });
      for (const predicate of [
        ['jobid', ['=', key, 1]],
        ['reason', ['=', key, 'x']],
      ])
        await assert.rejects(async () => put([predicate]), MerapiError, JSON.stringify(predicate));
    }
  });

  it('are no keys of a cluster file, and no arguments', async () => {
    const spec = { name: 'c.example.com', nodes: [{ name: 'node1', primary_ip: '198.51.100.1' }] };
    const file = join(cluster.dir, 'spec.json');
    const read = async (content: unknown) => {
      await writeFile(file, JSON.stringify(content));
      return readClusterFile(file, cluster.dir);
    };
    const full = { ...spec, enabled_hypervisors: ['fake'], enabled_disk_templates: ['file'] };
    await read(full);
    const refused = (over: object) =>
      assert.rejects(
        read({ ...full, ...over }),
        { code: 'configuration', message: /is invalid: / },
        JSON.stringify(over),
      );
    for (const key of odd) {
      for (const part of ['hvparams', 'beparams', 'nicparams', 'ndparams', 'diskparams', 'ipolicy'])
        await refused({ [part]: own(key, { x: 1 }) });
      await refused(own(key, 1));
      await refused({ hvparams: { fake: own(key, 1) } });
      assert.equal(new QueryArgs('a=1').text(key), null);
    }
  });
});
