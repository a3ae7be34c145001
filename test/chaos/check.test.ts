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

  it('excuse a disk that a failed job has grown, and count it; nothing else that a job left', () => {
    const state = goodState();
    node(state, 'node1').files = [file('web.example.com/u-disk1.file.disk0', 22)];
    const job = jobOf(state, 4);
    const before = structuredClone(job);
    const op = at(job.ops, 0);
    Object.assign(job, { ...structuredClone(job), id: 4 });
    state.jobs.push({ ...before, id: 11, status: 'error' });
    const failed = at(at(state.jobs, state.jobs.length - 1).ops, 0);
    failed.input = { ...op.input, reason: [['gnt:user', 'client1-10', 1]] };
    failed.status = 'error';
    state.jobs[state.jobs.length - 1] = {
      ...jobOf(state, 11),
      shown: { status: 'error', opstatus: ['error'], opresult: [null] },
    };
    state.notes.push({
      ...structuredClone(at(state.notes, 0)),
      key: 'client1-10',
      outcome: { kind: 'unknown', text: '' },
    });
    const { excused } = checkAll(state);
    assert.deepEqual(excused, ['Disk u-disk1 of web.example.com has 22 MiB, not 16 (job 11)']);
    node(state, 'node2').files.push(file('old.example.com/x.file.disk0', 1));
    failed.log.push('Could not be undone: disk/0/create: it cannot be reached');
    assert.ok(checkAll(state).violations.some(({ text }) => text.startsWith('The file old.example.com')));
  });
});
