import { SYSTEM } from '../manager/authorise.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import type { Manager } from '../manager/define.ts';
import { joinNodes } from '../manager/init.ts';
import { isFinal, type Job } from '../model/job.ts';

/** How long one look at a job waits for news, in milliseconds. */
const LOOK = 60_000;

/**
 * Adds the nodes of a cluster file that are not in the cluster, once the jobs that an earlier life left to do just that have
 * ended. Tells on standard error which could not be added. Returns early when the signal fires; the jobs go on all the same.
 */
export async function completeCluster(
  { manager, isNew }: { manager: Manager; isNew: boolean },
  spec: ClusterSpec,
  signal: AbortSignal,
): Promise<void> {
  const isWhole = () => !isNew && spec.nodes.every(({ name }) => manager.view.nodes.named(name));
  if (isWhole()) return;
  for (const id of await unfinishedJobs(manager)) await jobEnd(manager, id, signal);
  if (signal.aborted || isWhole()) return;
  for (const id of await joinNodes(manager, spec)) {
    const failure = (await jobEnd(manager, id, signal))?.ops[0]?.failure;
    if (failure) process.stderr.write(`Job ${id} failed: ${failure.message}\n`);
  }
}

async function unfinishedJobs(manager: Manager): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id, status, ops } of manager.jobs(SYSTEM))
    if (!isFinal(status) && ops.some(({ input }) => input.OP_ID === 'OP_NODE_ADD')) ids.push(id);
  return ids;
}

/** The job when it has ended; null when the signal fired first. */
export async function jobEnd(manager: Manager, id: number, signal: AbortSignal): Promise<Job | null> {
  for (let seen: unknown[] | null = null; !signal.aborted; ) {
    const change = await manager.waitForJob(SYSTEM, id, ['status'], seen, null, LOOK, signal);
    seen = change?.job_info ?? seen;
    const job = await manager.job(SYSTEM, id);
    if (!job || isFinal(job.status)) return job;
  }
  return null;
}
