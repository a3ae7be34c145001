import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { Rights } from '../../lib/access/rights.ts';
import type { Duty } from '../../lib/model/duty.ts';
import { aDisk, aNode, anInstance, viewOf } from '../helpers/view.ts';
import { alice, keyOf, OwnersPolicy } from './fixture.ts';

const aDuty = (uuid: string, node: string, instances: string[]): Duty => ({
  ...{ uuid, name: uuid, node, calls: [], about: 'disk', instances, job: 1, opcode: 'OP_INSTANCE_REMOVE' },
  ...{
    step: 's',
    scope: '1/0',
    reason: '',
    created: 1,
    tries: 0,
    next_try: 1,
    last_error: null,
    locks: null,
  },
});

const view = viewOf({
  nodes: [aNode('node1'), aNode('node2')],
  instances: [anInstance('web1', { disks: ['d1'] }), anInstance('web2', { disks: ['d2'] })],
  disks: [aDisk('d1', { instance: 'web1-uuid' }), aDisk('d2', { instance: 'web2-uuid' }), aDisk('d3')],
  duties: [
    aDuty('of-web1', 'node1-uuid', ['web1.example.com']),
    aDuty('of-both', 'node1-uuid', ['web1.example.com', 'web2.example.com']),
    aDuty('elsewhere', 'node2-uuid', ['web1.example.com']),
    aDuty('of-gone', 'node1-uuid', ['gone.example.com']),
  ],
});
const rightsTo = (...granted: string[]) =>
  new Rights(new OwnersPolicy((object) => granted.includes(keyOf(object))), alice, view);

describe('rights', () => {
  it('to an instance include its disks, and duties on nodes that come with it', () => {
    const { disk, duties, duty, freeDisks } = spied(rightsTo('instance web1-uuid', 'node node1-uuid'));
    assert.equal(disk('d1')?.uuid, 'd1');
    for (const hidden of ['d2', 'd3', 'nosuch']) assert.equal(disk(hidden), undefined);
    assert.deepEqual(freeDisks(), []);
    assert.deepEqual(
      duties.map(({ uuid }) => uuid),
      ['of-web1'],
    );
    assert.equal(duty('of-both'), undefined);
  });

  it('to a disk or a duty can be granted by themselves', () => {
    const { disk, duties } = spied(rightsTo('disk d3', 'duty elsewhere'));
    assert.equal(disk('d3')?.uuid, 'd3');
    assert.deepEqual(
      duties.map(({ uuid }) => uuid),
      ['elsewhere'],
    );
  });

  it('tell what is hidden from what is forbidden', () => {
    const policy = new OwnersPolicy((object, action) => keyOf(object) === 'filter f1' && action === 'look');
    const rights = new Rights(policy, alice, view);
    assert.throws(() => rights.demand('write', { kind: 'filter', id: 'f1' }), {
      code: 'forbidden',
      message: 'alice may not write job filter f1',
    });
    const hidden = { code: 'not_found', message: 'There is no job filter f2' };
    assert.throws(() => rights.demand('write', { kind: 'filter', id: 'f2' }), hidden);
    assert.throws(() => rights.demand('look', { kind: 'filter', id: 'f2' }), hidden);
    assert.throws(() => rights.demand('write', { kind: 'queue', id: null }), {
      code: 'forbidden',
      message: 'alice may not write the job queue',
    });
  });

  it('of Merapi itself are not asked for', () => {
    const policy = new OwnersPolicy(() => assert.fail('asked'));
    const rights = new Rights(policy, SYSTEM, view);
    rights.demand('write', { kind: 'queue', id: null });
    const op = { OP_ID: 'OP_CLUSTER_REDIST_CONF' };
    assert.equal(rights.admitted(op), op);
    assert.equal(rights.seen('write'), view);
  });
});

/** The state as it is seen, with its functions apart. */
function spied(rights: Rights) {
  const seen = rights.seen('look');
  return {
    duties: seen.duties,
    duty: (uuid: string) => seen.duty(uuid),
    disk: (uuid: string) => seen.disk(uuid),
    freeDisks: () => seen.freeDisks(),
  };
}
