import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Disk } from '../../model/disk.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import { diskTarget } from '../steps/target.ts';

/** Ganeti's name for a volume group that nobody names. */
const VOLUME_GROUP = 'xenvg';

/**
 * A disk for a copy of another one's data, of its own size: a file beside a disk that is a file, otherwise a volume of the
 * node alone.
 */
export function snapshotOf(disk: Disk): DiskTarget {
  const target = diskTarget(disk);
  const uuid = randomUUID();
  const [driver = '', path = ''] = disk.logical_id;
  if (disk.dev_type === 'file' || disk.dev_type === 'sharedfile')
    return { ...target, uuid, logical_id: [driver, join(dirname(String(path)), `${uuid}.snap`)] };
  const group = disk.dev_type === 'plain' ? driver : VOLUME_GROUP;
  return { ...target, uuid, dev_type: 'plain', logical_id: [group, `${uuid}.snap`], params: {} };
}
