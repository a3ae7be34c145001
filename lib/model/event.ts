/** Something that happened in the cluster: an object or a job is there, is another, or is gone. */
export interface ClusterEvent {
  /** Counts up, without gaps as long as events are kept. */
  readonly id: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** cluster, node, nodegroup, instance, disk, network, filter, duty or job. */
  readonly kind: string;
  /** Of a job its number. */
  readonly uuid: string;
  /** The object's name; of a new job its opcodes. */
  readonly name: string;
  /** Of an object add, change or remove; of a job its new status. */
  readonly action: string;
  /** The job that did it; null for what no job did. */
  readonly job: number | null;
}
