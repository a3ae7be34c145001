/** An event of the cluster: an object was added, changed or removed, or a job got another status. */
export interface ClusterEvent {
  /** Numbers without gaps in the order of commits; old events are deleted from the front. */
  readonly id: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** cluster, node, nodegroup, instance, disk, network, filter, duty or job. */
  readonly kind: string;
  /** The uuid of the object; for a job its number. */
  readonly uuid: string;
  /** The name of the object; for a new job its opcodes. */
  readonly name: string;
  /** For an object add, change or remove; for a job its new status. */
  readonly action: string;
  /** The job that made the change; null when no job did. */
  readonly job: number | null;
}
