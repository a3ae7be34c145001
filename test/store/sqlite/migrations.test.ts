import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { stringifyJson } from '../../../lib/base/json.ts';
import { Cluster } from '../../../lib/model/cluster.ts';
import { Disk } from '../../../lib/model/disk.ts';
import { Instance } from '../../../lib/model/instance.ts';
import { Node } from '../../../lib/model/node.ts';
import { NodeGroup } from '../../../lib/model/nodegroup.ts';
import { migrate } from '../../../lib/store/sqlite/migrate.ts';
import { aCluster, aDisk, aGroup, aNode, anInstance } from '../../helpers/view.ts';
import { withStore } from './fixture.ts';

/** What the objects of the first release did not have. */
const later: Readonly<Record<string, readonly string[]>> = {
  cluster: [
    'awaited_nodes',
    'stopped_instances',
    'compression_tools',
    'data_collector_interval',
    'drbd_helper',
    'enabled_data_collectors',
    'enabled_user_shutdown',
    'modify_etc_hosts',
    'osparams_private',
    'reserved_lvs',
    'uid_pool',
    'use_external_mip_script',
    'vg_name',
  ],
  nodegroup: ['networks'],
};

const objects: readonly [kind: string, object: { uuid: string }][] = [
  ['cluster', aCluster()],
  ['nodegroup', aGroup()],
  ['node', aNode('node1')],
  ['disk', aDisk('disk1')],
  ['disk', aDisk('mirror', { dev_type: 'drbd', logical_id: ['a', 'b', 11_002, 0, 0, 's'] })],
  ['instance', anInstance('web', { disks: ['disk1'] })],
  ['instance', anInstance('kvm1', { hypervisor: 'kvm' })],
  ['instance', anInstance('xen1', { hypervisor: 'xen-hvm' })],
];

it('store: what the first release wrote is read with all that objects have today', () =>
  withStore(async (fixture) => {
    await mkdir(dirname(fixture.file), { recursive: true });
    const first = new URL('../../../lib/store/sqlite/migrations/0001-initial.sql', import.meta.url);
    const old = new Database(fixture.file);
    old.exec(await readFile(first, 'utf8'));
    old.pragma('user_version = 1');
    const insert = old.prepare('INSERT INTO objects (kind, uuid, body) VALUES (?, ?, ?)');
    for (const [kind, object] of objects) {
      const had = Object.entries(object).filter(([name]) => !later[kind]?.includes(name));
      insert.run(kind, object.uuid, stringifyJson(Object.fromEntries(had)));
    }
    old.close();

    const { view } = await fixture.open();
    // A schema fills in what is missing, so an object that it leaves as it is was complete.
    assert.deepEqual(Cluster.parse(view.cluster), view.cluster);
    assert.deepEqual(view.groups.list(), NodeGroup.array().length(1).parse(view.groups.list()));
    assert.deepEqual(view.nodes.list(), Node.array().length(1).parse(view.nodes.list()));
    const instance = view.instances.get('web-uuid');
    assert.deepEqual(instance, Instance.parse(instance));
    assert.deepEqual(view.disk('disk1'), Disk.parse(view.disk('disk1')));
    assert.deepEqual(
      ['kvm1', 'web', 'xen1'].map((name) => view.instances.get(`${name}-uuid`)?.network_port),
      [11_003, null, 11_004],
    );
    assert.deepEqual([view.cluster.uid_pool, view.cluster.vg_name], [[], null]);
  }));

it('store: failures of earlier releases get the codes of today', () =>
  withStore(async (fixture) => {
    await mkdir(dirname(fixture.file), { recursive: true });
    const old = new Database(fixture.file);
    migrate(old, 12);
    for (const [kind, object] of objects)
      old
        .prepare('INSERT INTO objects (kind, uuid, body) VALUES (?, ?, ?)')
        .run(kind, object.uuid, stringifyJson(object));
    old.exec("INSERT INTO jobs (id, status, priority, received) VALUES (1, 'error', 0, 1)");
    const insert = old.prepare(
      `INSERT INTO job_ops (job, op, input, resolved, status, result, failure)
       VALUES (1, ?, '{"OP_ID":"OP_TEST_DELAY"}', '{}', 'error', 'null', ?)`,
    );
    const codes = ['bad_request', 'unknown_entity', 'unsupported_method', 'wrong_state'];
    for (const [op, code] of codes.entries())
      insert.run(op, stringifyJson({ code, message: `'${code}', "so"` }));
    old.close();

    const store = await fixture.open();
    const job = await store.jobs.get(1);
    assert.deepEqual(
      job?.ops.map((op) => op.failure),
      ['wrong_input', 'not_found', 'wrong_input', 'wrong_state'].map((code, op) => ({
        ...{ code, message: `'${codes[op]}', "so"` },
      })),
    );
  }));
