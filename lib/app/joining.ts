import { SYSTEM } from '../manager/authorise.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import type { Manager } from '../manager/define.ts';
import { joinNodes } from '../manager/init.ts';
import { isFinal, type Job } from '../model/job.ts';

/** How long one look at a job waits for news, in milliseconds. */
const LOOK = 60_000;

/**
 * Adds the nodes of a cluster file that are not in the cluster yet, after the jobs that an earlier start left to do just that.
 * Tells on standard error which could not be added. Returns early when the signal fires; the jobs go on without it.
 */
export async function completeCluster(
  manager: Manager,
  spec: ClusterSpec,
  signal: AbortSignal,
): Promise<void> {
  const isMissing = ({ name }: { name: string }) => !manager.view.nodes.named(name);
  if (manager.view.job_less && !spec.nodes.some(isMissing)) return;
  for (const id of await joiningJobs(manager)) await jobEnd(manager, id, signal);
  if (signal.aborted || !spec.nodes.some(isMissing)) return;
  for (const id of await joinNodes(manager, spec)) {
    const job = await jobEnd(manager, id, signal);
    const failure = job?.ops[0]?.failure;
    if (failure) process.stderr.write(`Job ${id} failed: ${failure.message}\n`);
  }
}
