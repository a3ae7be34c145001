import { SYSTEM } from '../../../lib/access/principal.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import type { TestCluster } from '../../helpers/cluster.ts';

/**
 * An ordinary run of the tests lets the master die at every eighth record, beginning with one that chance decides: each restart takes a
 * quarter of a second, and there are hundreds. `bin/test --whole` takes all of them.
 */
const STRIDE = process.env.MERAPI_WHOLE === '1' ? 1 : 8;

/** An ordinary run lets every third call on a node fail, beginning with one that chance decides. */
const CALL_STRIDE = process.env.MERAPI_WHOLE === '1' ? 1 : 3;

function* places(stride: number): Generator<number> {
  for (let place = Math.floor(Math.random() * stride); ; place += stride) yield place;
}

/** The numbers of the records at which the master dies, without end. */
export const crashPlaces = () => places(STRIDE);

/** The numbers of the calls that fail, without end. */
export const failingCalls = () => places(CALL_STRIDE);

/**
 * Submits an opcode; the master dies where it is to write record number `record` of the job, and is started again.
 * Answers the job, and whether there was such a record.
 */
export async function dieAtRecord(
  cluster: TestCluster,
  record: number,
  op: OpInput,
): Promise<{ id: number; isHit: boolean }> {
  let commits = 0;
  const dead = new Promise<true>((resolve) => {
    cluster.gate.refusesCommit = () => {
      if (commits++ < record + 1) return false; // the first one stores the job itself
      resolve(true);
      return true;
    };
  });
  const id = await cluster.manager.submit(SYSTEM, [op]);
  const isHit = await Promise.race([dead, cluster.ended(id).then(() => false)]);
  if (isHit) await cluster.restart();
  else cluster.gate.refusesCommit = undefined;
  return { id, isHit };
}
