import { put } from '../../../lib/store/changes.ts';
import type { Store } from '../../../lib/store/define.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { aGroup } from '../../helpers/view.ts';

/** How many commits are under way at once. */
const AT_ONCE = 10;

/**
 * Commits until the process is killed: the node group gN and the job N + 1, for N from 0 on. Writes N to standard output when commit
 * N is acknowledged.
 */
export async function writeUntilKilled(store: Store): Promise<never> {
  let next = 0;
  const writing = Array.from({ length: AT_ONCE }, async (): Promise<never> => {
    for (;;) {
      const number = next++;
      const job = aJob(number + 1, [anOp({ OP_ID: 'OP_X' })]);
      await store.commit({ job: null }, () => [
        put('nodegroup', aGroup({ name: `g${number}` })),
        { change: 'job-add', job, secrets: new Map() },
      ]);
      process.stdout.write(`${number}\n`);
    }
  });
  return Promise.race(writing);
}
