import type { Random } from '../../base/random.ts';
import type { Disk } from '../../model/disk.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import { diskTarget } from '../../rpc/target.ts';
import type { DiskTarget } from '../../rpc/types.ts';

/** The disk for a snapshot of another one: of the same size, at the place where the template of that disk keeps snapshots. */
export function snapshotOf(disk: Disk, random: Random): DiskTarget {
  const uuid = random.uuid();
  const { dev_type, logical_id } = templates[disk.dev_type].snapshotPlace(disk.logical_id, uuid);
  const isSame = dev_type === disk.dev_type;
  return {
    ...diskTarget(disk),
    ...(isSame ? {} : { params: {} }),
    ...{ uuid, dev_type: dev_type as DiskTemplate, logical_id },
  };
}
