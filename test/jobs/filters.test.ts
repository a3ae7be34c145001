import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { SYSTEM } from '../../lib/access/principal.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { decisive, ruleOf, shownPredicates } from '../../lib/jobs/rules.ts';
import type { FilterInput } from '../../lib/manager/define.ts';
import type { FilterPredicate, JobFilter } from '../../lib/model/filter.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { onNode1, QueueFixture } from './fixture.ts';

const nothing: OpInput = { OP_ID: 'OP_TEST_DELAY', duration: 0 };
/** A job that the fixture holds, beside others of its kind. */
const held: OpInput = { ...onNode1, no_locks: true };
const delays: FilterPredicate = ['opcode', ['=', 'OP_ID', 'OP_TEST_DELAY']];

function aFilter(patch: Partial<JobFilter> = {}): JobFilter {
  const common = { uuid: 'f1', watermark: 10, priority: 0, reason_trail: [] };
  return { ...common, predicates: [], action: 'PAUSE', ...patch };
}

describe('a job filter', () => {
  const inputs: OpInput[] = [
    { OP_ID: 'OP_GROUP_ADD', group_name: 'g1', reason: [['gnt:user', 'night shift', 5_000_000_000n]] },
    { OP_ID: 'OP_TEST_DELAY', duration: 3 },
  ];
  const applies = (...predicates: FilterPredicate[]) =>
    ruleOf(aFilter({ predicates })).applies({ id: 12, inputs });

  it('applies to jobs that meet all of its predicates, one without any to all', () => {
    assert.equal(applies(), true);
    assert.equal(applies(delays, ['jobid', ['>', 'id', 11]]), true);
    assert.equal(applies(delays, ['jobid', ['>', 'id', 12]]), false);
  });

  it('looks at each opcode and each entry of the reason trail', () => {
    assert.equal(applies(['opcode', ['=', 'group_name', 'g1']]), true);
    assert.equal(applies(['opcode', ['&', ['=', 'group_name', 'g1'], ['=', 'duration', 3]]]), false);
    assert.equal(applies(['reason', ['=~', 'reason', '^night']]), true);
    assert.equal(applies(['reason', ['=', 'source', 'gnt:client']]), false);
    assert.equal(applies(['reason', ['>=', 'timestamp', 5_000_000_000]]), true);
  });

  it('knows its watermark', () => {
    assert.equal(applies(['jobid', ['>', 'id', 'watermark']]), true);
    assert.equal(applies(['jobid', ['!', ['<', 'id', 'watermark']]]), true);
    assert.equal(applies(['jobid', ['=', 'id', 'watermark']]), false);
  });

  it('is refused when a condition cannot be understood', () => {
    for (const wrong of [
      ['jobid', ['=', 'status', 1]],
      ['opcode', ['=', 'nosuch', 1]],
      ['reason', []],
      ['jobid', null],
    ] as FilterPredicate[])
      assert.throws(
        () => ruleOf(aFilter({ predicates: [wrong] })),
        (error) => error instanceof MerapiError && error.code === 'wrong_input',
      );
  });

  it('shows its conditions in one form', () => {
    const [shown] = shownPredicates([
      ['opcode', ['|', ['=', 'OP_ID', 'a'], ['!', ['!=', 'duration', 1]], ['<', 'duration', 3]]],
    ]);
    const expected = ['|', ['==', 'OP_ID', 'a'], ['!', ['!', ['==', 'duration', 1]]], ['<', 'duration', 3]];
    assert.deepEqual(shown, ['opcode', expected]);
  });

  it('decides if it is the first that applies and is not CONTINUE', () => {
    const first = aFilter({ action: 'CONTINUE' });
    const second = aFilter({ predicates: [['jobid', ['=', 'id', 99]]] });
    const third = aFilter({ action: 'ACCEPT' });
    const rules = [first, second, third, aFilter({ action: 'REJECT' })].map(ruleOf);
    assert.equal(decisive(rules, { id: 12, inputs }), third);
    assert.equal(decisive([ruleOf(first)], { id: 12, inputs }), null);
  });
});

describe('the queue with job filters', () => {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
  });
  after(async () => {
    const left = f.locks.inspect();
    await f.close();
    assert.deepEqual(left, []);
  });
  const filter = (patch: Partial<FilterInput>, uuid: string | null = null) =>
    f.manager.putFilter(SYSTEM, uuid, {
      priority: 0,
      predicates: [delays],
      action: 'PAUSE',
      reason_trail: [],
      ...patch,
    });
  const statusOf = async (id: number) => (await f.queue.get(id))?.status;

  it('rejects jobs before they begin', async () => {
    const reason_trail = [
      ['gnt:user', 'the storage is repaired', 1n],
      ['gnt:library:rlib2:filters', '', 2n],
    ];
    const uuid = await filter({ action: 'REJECT', reason_trail });
    const job = await f.run(nothing, nothing);
    assert.equal(job.status, 'canceled');
    const told = `Job filter ${uuid} rejects the job: the storage is repaired`;
    assert.deepEqual(
      job.ops.map(({ status, failure, resolved, log }) => [
        status,
        failure,
        resolved,
        log.map(({ text }) => text),
      ]),
      [
        ['canceled', null, {}, [told]],
        ['canceled', null, {}, []],
      ],
    );
    assert.equal(job.start, null);
    await f.manager.removeFilter(SYSTEM, uuid);
    assert.equal((await f.run(nothing)).status, 'success');
    await assert.rejects(f.manager.removeFilter(SYSTEM, uuid), /no job filter/);
  });

  it('keeps paused jobs until the filter goes; they outlive the master and can be cancelled', async () => {
    const uuid = await filter({});
    const [first, second] = [await f.submit(nothing), await f.submit(nothing)];
    assert.equal(await statusOf(first), 'queued');
    await f.restart();
    assert.equal(await statusOf(first), 'queued');
    assert.deepEqual(await f.queue.cancel(second), { canceled: true, text: `Job ${second} canceled` });
    await f.manager.removeFilter(SYSTEM, uuid);
    assert.equal((await f.ended(first)).status, 'success');
  });

  it('replaces a filter, with a new watermark, and looks at waiting jobs again', async () => {
    const uuid = await filter({});
    const paused = await f.submit(nothing);
    assert.equal(await filter({ action: 'REJECT', predicates: [] }, uuid), uuid);
    assert.equal((await f.ended(paused)).status, 'canceled');
    await filter({ action: 'PAUSE', predicates: [['jobid', ['>', 'id', 'watermark']]] }, uuid);
    assert.deepEqual(
      f.manager.filters(SYSTEM).map((each) => [each.uuid, each.watermark]),
      [[uuid, paused]],
    );
    await f.manager.removeFilter(SYSTEM, uuid);
  });

  it('limits how many jobs run, those of an earlier life included', async () => {
    const uuid = await filter({ action: ['RATE_LIMIT', 1] });
    const [first, second, third] = [await f.submit(held), await f.submit(held), await f.submit(held)];
    await f.heldBy(first);
    await f.restart();
    const call = await f.heldBy(first);
    assert.deepEqual([await statusOf(second), await statusOf(third)], ['queued', 'queued']);
    call.end();
    await f.ended(first);
    (await f.heldBy(second)).end();
    (await f.heldBy(third)).end();
    await f.ended(third);
    await f.manager.removeFilter(SYSTEM, uuid);
  });

  it('gives no place of a limit to a job that waits for another one', async () => {
    const uuid = await filter({ action: ['RATE_LIMIT', 1] });
    const first = await f.submit(held);
    const call = await f.heldBy(first);
    const waits = await f.submit({ ...nothing, priority: -10, depends: [[first, ['error']]] });
    const free = await f.submit(nothing);
    assert.deepEqual([await statusOf(waits), await statusOf(free)], ['waiting', 'queued']);
    call.end();
    assert.equal((await f.ended(free)).status, 'success');
    assert.equal((await f.ended(waits)).status, 'error');
    await f.manager.removeFilter(SYSTEM, uuid);
  });

  it('rejects a job that waits for another one, too', async () => {
    const first = await f.submit(held);
    const call = await f.heldBy(first);
    const waits = await f.submit({ ...nothing, depends: [[first, []]] });
    const uuid = await filter({ action: 'REJECT' });
    assert.equal((await f.ended(waits)).status, 'canceled');
    call.end();
    assert.equal((await f.ended(first)).status, 'success');
    await f.manager.removeFilter(SYSTEM, uuid);
  });

  it('refuses a filter that cannot be understood, and those who may not write', async () => {
    await assert.rejects(filter({ predicates: [['jobid', ['=', 'nosuch', 1]]] }), /no field 'nosuch'/);
    const reader = { name: 'reader', rights: ['read' as const] };
    await assert.rejects(f.manager.removeFilter(reader, 'x'), /may not/);
    assert.deepEqual(f.manager.filters(SYSTEM), []);
  });

  it('shows locks with the jobs that hold and want them', async () => {
    const [first, second] = [await f.submit(onNode1), await f.submit(onNode1)];
    const call = await f.heldBy(first);
    while (!f.locks.inspect().some(({ pending }) => pending.length > 0)) await setImmediate();
    const { data } = await f.manager.query(SYSTEM, 'lock', ['name', 'mode', 'owner', 'pending'], null);
    const shown = data.map((row) => row.map(([, value]) => value));
    const name = 'node/node1.example.com';
    assert.deepEqual(
      shown.find(([lock]) => lock === name),
      [name, 'exclusive', [`job/${first}`], [['exclusive', [`job/${second}`]]]],
    );
    call.end();
    (await f.heldBy(second)).end();
    await f.ended(second);
  });
});
