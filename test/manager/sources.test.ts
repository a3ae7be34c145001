import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rights } from '../../lib/access/rights.ts';
import type { LockState } from '../../lib/locks/manager.ts';
import { seenJobs, seenOnNodes } from '../../lib/manager/sources.ts';
import type { LockLevel } from '../../lib/model/locks.ts';
import type { OsStatus } from '../../lib/model/os.ts';
import type { JobSource } from '../../lib/views/define.ts';
import { alice, keyOf, OwnersPolicy } from '../access/fixture.ts';
import { aNode, anInstance, viewOf } from '../helpers/view.ts';

const view = viewOf({
  nodes: [aNode('node1'), aNode('node2')],
  instances: [anInstance('web1'), anInstance('web2')],
});
const rightsTo = (...granted: string[]) =>
  new Rights(new OwnersPolicy((object) => granted.includes(keyOf(object))), alice, view);

describe('what is read beside the objects', () => {
  it('shows the locks of objects that are seen', () => {
    const lock = (level: LockLevel, name: string): LockState => ({
      ...{ level, name, mode: 'shared', owners: [], pending: [] },
    });
    const locks = [
      lock('cluster', 'BGL'),
      lock('instance', 'web1.example.com'),
      lock('instance', 'web2.example.com'),
      lock('instance', 'new.example.com'),
      lock('node', '*'),
      lock('nodegroup', 'default'),
    ];
    const source = { locks: () => locks } as unknown as JobSource;
    const seen = (...granted: string[]) =>
      seenJobs(source, rightsTo(...granted), 'read')
        .locks()
        .map(({ level, name }) => `${level}/${name}`);
    assert.deepEqual(seen('instance web1-uuid'), ['instance/web1.example.com']);
    assert.deepEqual(seen('instance null', 'group default-uuid'), [
      'instance/new.example.com',
      'nodegroup/default',
    ]);
    assert.deepEqual(seen('node null', 'cluster null'), ['cluster/BGL', 'node/*']);
  });

  it('shows exports and OS definitions of nodes that are seen', async () => {
    const rows = ['web1', 'web2', 'gone', null].flatMap((name) =>
      ['node1', 'node2'].map((node) => ({
        node: `${node}.example.com`,
        instance: name && `${name}.example.com`,
      })),
    );
    const os = (name: string) =>
      ({ name, nodes: { 'node1.example.com': [], 'node2.example.com': [] } }) as unknown as OsStatus;
    const source = { exports: async () => rows, operatingSystems: async () => [os('debian'), os('noop')] };
    const seen = (...granted: string[]) => seenOnNodes(source, rightsTo(...granted), 'read');
    const exportsOf = async (...granted: string[]) =>
      (await seen(...granted).exports()).map(({ node, instance }) => `${node[4]} ${instance}`);
    assert.deepEqual(await exportsOf('node node1-uuid', 'instance web1-uuid'), [
      '1 web1.example.com',
      '1 null',
    ]);
    assert.deepEqual(await exportsOf('node node2-uuid', 'instance null'), ['2 gone.example.com', '2 null']);
    const definitions = await seen('os noop', 'node node2-uuid').operatingSystems();
    assert.deepEqual(
      definitions.map(({ name, nodes }) => [name, Object.keys(nodes)]),
      [['noop', ['node2.example.com']]],
    );
  });
});
