import type { Cluster } from '../model/cluster.ts';
import type { ClusterView } from '../model/view.ts';
import type { Slots } from './slots.ts';

/** What can be set of the queue. */
export interface QueueSettings {
  /** Whether no more jobs are taken. */
  drained?: boolean;
  /** How many seconds after their end jobs are archived by themselves; null: never. */
  archive_after?: number | null;
}

/** What the queue does now. */
export interface QueueState extends Required<QueueSettings> {
  max_running_jobs: number;
  /** How many jobs run, and how many have not ended. */
  running: number;
  unfinished: number;
  /** Why nothing can be changed now, such as a full disk; null when all is well. */
  trouble: string | null;
}

/** What the queue is set to, and does. */
export function queueState(
  { cluster }: ClusterView,
  trouble: string | null,
  slots: Slots,
  unfinished: number,
): QueueState {
  const { queue_drained: drained, archive_after } = cluster;
  const { running, limit: max_running_jobs } = slots.state;
  return { drained, archive_after, max_running_jobs, running, unfinished, trouble };
}

/** What settings change of the cluster. */
export function patchOf({ drained, archive_after }: QueueSettings): Partial<Cluster> {
  return {
    ...(drained === undefined ? {} : { queue_drained: drained }),
    ...(archive_after === undefined ? {} : { archive_after }),
  };
}
