import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAll, checks } from './checks/index.ts';
import { at, damages, file, jobOf, node } from './damages.ts';
import { goodState } from './good-state.ts';

describe('the checks at the end of a chaos run', () => {
  it('find nothing wrong with a good state', () => {
    assert.deepEqual(checkAll(goodState()), { violations: [], excused: [] });
  });

  for (const [check, damage, told] of damages)
    it(`"${check}" can fail: ${told.source}`, () => {
      const state = goodState();
      damage(state);
      const texts = checkAll(state)
        .violations.filter((violation) => violation.check === check)
        .map(({ text }) => text);
      assert.ok(
        texts.some((text) => told.test(text)),
        texts.join('\n'),
      );
    });

  it('are all shown to be able to fail', () => {
    const shown = new Set(damages.map(([check]) => check));
    assert.deepEqual(
      checks.map(({ name }) => name).filter((name) => !shown.has(name)),
      [],
    );
  });

  it('tell the jobs that touched what is wrong', () => {
    const state = goodState();
    node(state, 'node1').files.pop();
    const [violation] = checkAll(state).violations;
    assert.deepEqual(
      violation?.jobs.map(({ id }) => id),
      [2, 4, 5, 6, 7, 8],
    );
  });

  it('excuse what the log of a failed job tells to be left, and count it', () => {
    const state = goodState();
    node(state, 'node2').files.push(file('old.example.com/x.file.disk0', 1));
    const job = structuredClone(jobOf(state, 2));
    Object.assign(job, { id: 11, status: 'error' });
    const op = at(job.ops, 0);
    op.input = { ...op.input, instance_name: 'old.example.com', reason: [['gnt:user', 'client1-10', 1]] };
    Object.assign(op, { status: 'error', log: ['Could not be undone: disk/0/create: it cannot be reached'] });
    Object.assign(job.shown ?? {}, { status: 'error', opstatus: ['error'] });
    state.jobs.push(job);
    state.notes.push({
      ...structuredClone(at(state.notes, 0)),
      key: 'client1-10',
      outcome: { kind: 'unknown', text: '' },
    });
    const { violations, excused } = checkAll(state);
    assert.deepEqual(violations, []);
    assert.deepEqual(excused, ['The file old.example.com/x.file.disk0 on node2 is of no disk (job 11)']);
    op.log.pop();
    assert.equal(checkAll(state).violations.length, 1);
  });
});
