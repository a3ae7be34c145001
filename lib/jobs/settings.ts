import type { Cluster } from '../model/cluster.ts';
import type { ClusterView } from '../model/view.ts';
import type { Slots } from './slots.ts';

/** The settings of the queue. */
export interface QueueSettings {
  /** Whether new jobs are refused. */
  drained?: boolean;
  /** How many seconds after their end jobs are archived automatically; null: never. */
  archive_after?: number | null;
}

/** The settings and the load of the queue. */
export interface QueueState extends Required<QueueSettings> {
  max_running_jobs: number;
  /** How many jobs run, and how many have not ended. */
  running: number;
  unfinished: number;
  /** Why changes are refused now, e.g. that the disk is full; null when they are not. */
  trouble: string | null;
}

/** The state that GET /2/queue shows. */
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

/** The fields of the cluster that settings change. */
export function patchOf({ drained, archive_after }: QueueSettings): Partial<Cluster> {
  return {
    ...(drained === undefined ? {} : { queue_drained: drained }),
    ...(archive_after === undefined ? {} : { archive_after }),
  };
}
