import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemRandom } from '../../../lib/base/random.ts';
import { dutiesOf, type Owed, settledBy } from '../../../lib/jobs/duties/owed.ts';
import { type Duty, MAX_DUTIES } from '../../../lib/model/duty.ts';
import type { Change } from '../../../lib/store/changes.ts';
import { viewOf } from '../../helpers/view.ts';

const node = { uuid: 'node1-uuid', name: 'node1.example.com' };
const debtor = {
  ...{ job: 7, opcode: 'OP_INSTANCE_CREATE', scope: '7@1/0/', instances: ['web.example.com'], now: 100 },
  random: systemRandom,
};
const removal = (disk: string) => ({ call: 'disk.remove', params: { disk: { uuid: disk } } });
const owed = (disk: string): Owed => ({ step: 'disk', node, calls: [removal(disk)], reason: 'gone' });

const withDuties = (duties: readonly Duty[]) => viewOf({ duties });
const put = (changes: readonly Change[]): Duty[] =>
  changes.map((change) => (change.change === 'put' ? (change.object as Duty) : assert.fail()));

describe('what a job owes', () => {
  it('is owed once, whoever owes it', () => {
    const [first] = put(dutiesOf(withDuties([]), [owed('a'), owed('a')], debtor));
    assert.ok(first);
    const more = put(dutiesOf(withDuties([first]), [owed('a'), owed('b')], { ...debtor, job: 8 }));
    assert.deepEqual(
      more.map(({ about }) => about),
      ['disk b'],
    );
  });

  it('keeps its order, and its reason has a bound', () => {
    const long = { ...owed('b'), reason: 'x'.repeat(10_000) };
    const duties = put(dutiesOf(withDuties([]), [owed('a'), long, owed('c')], debtor));
    const sorted = [...duties].sort((a, b) => a.created - b.created);
    assert.deepEqual(
      sorted.map(({ about, reason }) => [about, reason.length]),
      [
        ['disk a', 4],
        ['disk b', 501],
        ['disk c', 4],
      ],
    );
  });

  it('is no duty beyond the limit', () => {
    const [pattern] = put(dutiesOf(withDuties([]), [owed('a')], debtor));
    assert.ok(pattern);
    const full = Array.from({ length: MAX_DUTIES - 1 }, (_, index) => ({
      ...pattern,
      calls: [removal(`full${index}`)],
    }));
    const changes = dutiesOf(withDuties(full), [owed('x'), owed('y')], debtor);
    assert.deepEqual(
      put(changes).map(({ about }) => about),
      ['disk x'],
    );
  });

  it('is settled by a job that made the same call there, or the one that takes its place', () => {
    const duties = put(dutiesOf(withDuties([]), [owed('a'), owed('b')], debtor));
    const settled = (at: string, disk: string) =>
      settledBy(withDuties(duties), [{ node: at, call: { ...removal(disk), call: 'disk.create' } }]).map(
        (change) => (change.change === 'remove' ? change.uuid : assert.fail()),
      );
    assert.deepEqual(settled(node.uuid, 'a'), [duties[0]?.uuid]);
    assert.deepEqual(settled('node2-uuid', 'a'), []);
    assert.deepEqual(settled(node.uuid, 'c'), []);
  });
});
