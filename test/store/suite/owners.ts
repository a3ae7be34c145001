import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import type { Store, WriteFailure } from '../../../lib/store/define.ts';
import { inTime } from '../../helpers/patience.ts';
import { addGroup, all, groupNames, inStore, type MakeStore } from './define.ts';

/** How many commits the writer's test waits for before it kills the writer. */
const ENOUGH = 100;

/** Owners of a store: who opens it takes it over, from one that runs and from one that was killed. */
export function ownerTests(make: MakeStore): void {
  it('each have a higher epoch, and find what is on disk, whether the one before has closed the store or not', () =>
    inStore(make, async (first, subject) => {
      assert.ok(Number.isSafeInteger(first.epoch) && first.epoch > 0);
      assert.equal(first.view.initialised, false);
      let last: Store = first;
      for (const name of ['a', 'b', 'c', 'd']) {
        await addGroup(last, name);
        if (name === 'b') await last.close();
        const next = await subject.open();
        assert.ok(next.epoch > last.epoch, `${next.epoch} after ${last.epoch}`);
        assert.deepEqual(groupNames(next), groupNames(last));
        last = next;
      }
      assert.deepEqual(groupNames(last), ['a', 'b', 'c', 'd']);
    }));

  it('that lost the store write nothing any more, learn why, and do not get it back', () =>
    inStore(make, async (first, subject) => {
      const failures: WriteFailure[] = [];
      first.onFailure((failure) => failures.push(failure));
      await addGroup(first, 'red');
      const second = await subject.open();
      const late = [addGroup(first, 'green'), addGroup(first, 'blue')];
      for (const commit of late) await assert.rejects(commit, { code: 'unavailable' });
      await assert.rejects(addGroup(first, 'grey'), { code: 'unavailable' });
      assert.deepEqual(
        failures.map(({ error, lost, culprit }) => [error.code, lost, culprit]),
        [['unavailable', true, null]],
      );
      assert.equal(await first.retry(), false);
      await assert.rejects(addGroup(first, 'grey'), { code: 'unavailable' });
      assert.deepEqual(groupNames(first), ['red']);
      assert.equal(first.pending, first.view);
      await addGroup(second, 'white');
      assert.deepEqual(groupNames(second), ['red', 'white']);
      for (const name of ['green', 'blue', 'grey'])
        assert.equal(await subject.contains(`${name}-uuid`), false, `nothing of ${name} is stored`);
    }));

  it('may change in the midst of commits: exactly those that resolve are stored', () =>
    inStore(make, async (first, subject) => {
      const commits: Promise<void>[] = [];
      const begin = () => {
        const committed = addGroup(first, `g${commits.length}`);
        committed.catch(() => undefined); // looked at below
        commits.push(committed);
        return committed;
      };
      await begin();
      let second: Store | null = null;
      const opened = subject.open().then((store) => {
        second = store;
        return store;
      });
      while (!second) {
        for (let each = 0; each < 10; each++) begin();
        await new Promise(setImmediate);
      }
      begin();
      const outcomes = await Promise.allSettled(commits);
      const written = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      assert.equal(outcomes.at(-1)?.status, 'rejected', 'the store was taken over');
      assert.deepEqual(written, [...written.keys()], 'the first ones, and none after one that failed');
      const names = new Set(written.map((index) => `g${index}`));
      for (const store of [await opened, await subject.open()])
        assert.deepEqual(new Set(groupNames(store)), names);
    }));

  it('that are killed leave all that they acknowledged, in its order, and no part of a commit', () =>
    inStore(make, async (store, subject) => {
      await store.close();
      const acknowledged = await killedWriter(subject.writer);
      const next = await subject.open();
      const count = next.view.groups.size;
      assert.ok(count > acknowledged, `commit ${acknowledged} was acknowledged, ${count} are there`);
      const numbers = Array.from({ length: count }, (_, index) => index);
      assert.deepEqual(
        numbers.filter((number) => !next.view.groups.named(`g${number}`)),
        [],
        'the first so many',
      );
      assert.deepEqual(
        (await all(next.jobs.unfinished())).map(({ job }) => job.id),
        numbers.map((number) => number + 1),
      );
      assert.equal(await next.jobs.lastId(), count);
      assert.deepEqual(
        (await next.events.after(0, 3 * count)).events.map(({ id, kind }) => [id, kind]),
        numbers.flatMap((number) => [
          [2 * number + 1, 'nodegroup'],
          [2 * number + 2, 'job'],
        ]),
      );
    }));
}

/** Runs a writer (writer.ts) and kills it in the midst of its commits; answers the number of the last one that it acknowledged. */
async function killedWriter({
  program,
  args,
}: {
  program: string;
  args: readonly string[];
}): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines = [...lines, ...parts];
    if (lines.length >= ENOUGH) child.kill('SIGKILL');
  });
  try {
    const [code, signal] = await inTime(ended, () => `${ENOUGH} commits of the writer: ${lines.length}`);
    assert.deepEqual([code, signal], [null, 'SIGKILL']);
  } finally {
    child.kill('SIGKILL');
  }
  return Math.max(...lines.map(Number));
}
