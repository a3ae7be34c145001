import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import { mirrorNodes } from '../../model/mirror.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';
import { isRunning } from '../../rpc/runtime.ts';
import type { DiskTarget } from '../../rpc/types.ts';

/** The cluster as it is now, and the node (uuid) that the call is for. */
export interface Place {
  view: ClusterView;
  runtime: RuntimeView;
  node: string;
}

/** Whether two disks have their data at the same place of a node. */
export function isSamePlace(disk: Disk, target: DiskTarget): boolean {
  if (disk.dev_type !== target.dev_type) return false;
  if (templates[disk.dev_type].mirrored) return disk.uuid === target.uuid;
  const place = ({ logical_id: [first, second] }: Pick<DiskTarget, 'logical_id'>) => `${first}\0${second}`;
  return place(disk) === place(target);
}

/** Whether a disk keeps data on a node; one that belongs to no instance may be on any. */
export function isOn({ view, node }: Place, disk: Disk): boolean {
  const sides = mirrorNodes(disk);
  if (sides) return sides.includes(node);
  if (disk.instance === null || templates[disk.dev_type].shared) return true;
  return view.instances.get(disk.instance)?.primary_node === node;
}

/** Whether the user of a disk needs it on a node: as its primary node, or as the other side of a mirror. */
export function isUsedOn({ node }: Place, disk: Disk, user: Instance): boolean {
  return mirrorNodes(disk)?.includes(node) ?? user.primary_node === node;
}

/** A disk of the cluster whose data is at the place of this one. */
export function ownerOf(place: Place, target: DiskTarget): Disk | undefined {
  const { view } = place;
  const all = [...view.instances.list().flatMap((instance) => view.disksOf(instance)), ...view.freeDisks()];
  return all.find((disk) => isSamePlace(disk, target) && isOn(place, disk));
}

export const userOf = (view: ClusterView, disk: Disk) => view.instances.get(disk.instance ?? '');

/** Whether the disks of an instance are to be in use. */
export function usesDisks({ runtime }: Place, instance: Instance): boolean {
  return instance.admin_state === 'up' || instance.disks_active === true || knownToRun(runtime, instance);
}

export const knownToRun = (runtime: RuntimeView, instance: Instance) =>
  runtime.of(instance.primary_node) !== null && isRunning(runtime, instance);
