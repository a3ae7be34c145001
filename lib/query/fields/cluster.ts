import { bool, fieldTable, list, number, text, timestamp } from './build.ts';

/** The fields of the cluster itself. */
export const clusterFields = {
  cluster_name: text('Name', 'Its name.', 'host'),
  ctime: timestamp('CTime', 'When it was made.'),
  drain_flag: bool('QueueDrained', 'Whether the job queue takes no new jobs.'),
  master_node: text('Master', 'The name of its master node.', 'host'),
  mtime: timestamp('MTime', 'When it was last changed.'),
  serial_no: number('SerialNo', 'Grows with each change of it.'),
  tags: list('Tags', 'Its tags.'),
  uuid: text('UUID', 'Its uuid.'),
  volume_group_name: text('VgName', 'The volume group of logical volumes.'),
  watcher_pause: timestamp('WatcherPause', 'Until when the watcher is paused.'),
};

/** All fields of the cluster itself. */
export const clusterTable = fieldTable(clusterFields);
