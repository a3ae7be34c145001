import type { Random } from '../../base/random.ts';
import type { Disk } from '../../model/disk.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import { diskTarget } from '../../rpc/target.ts';
import type { DiskTarget } from '../../rpc/types.ts';

/** A disk for a copy of another one's data, of its own size, where the template of that one keeps snapshots. */
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
