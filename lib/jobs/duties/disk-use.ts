// Answers, from the current state of the cluster, who owns and who uses the data that a call of a duty would change
// (lib/jobs/duties/rules.ts decides by it).
import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import { mirrorNodes } from '../../model/mirror.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';
import { isRunning } from '../../rpc/runtime.ts';
import type { DiskTarget } from '../../rpc/types.ts';

/** The current state of the cluster, and the node (uuid) on which the call would be made. */
export interface CallSite {
  view: ClusterView;
  runtime: RuntimeView;
  node: string;
}

/** Whether two disks have their data at the same location of a node. */
export function isSameLocation(disk: Disk, target: DiskTarget): boolean {
  if (disk.dev_type !== target.dev_type) return false;
  if (templates[disk.dev_type].mirrored) return disk.uuid === target.uuid;
  const location = ({ logical_id: [first, second] }: Pick<DiskTarget, 'logical_id'>) => `${first}\0${second}`;
  return location(disk) === location(target);
}

/** Whether a disk has data on the node. A detached disk may be on any node, so the answer is yes for it. */
export function isOn({ view, node }: CallSite, disk: Disk): boolean {
  const sides = mirrorNodes(disk);
  if (sides) return sides.includes(node);
  if (disk.instance === null || templates[disk.dev_type].shared) return true;
  return view.instances.get(disk.instance)?.primary_node === node;
}

/** Whether an instance needs its disk on the node: as its primary node, or as a side of a mirror. */
export function isUsedOn({ node }: CallSite, disk: Disk, user: Instance): boolean {
  return mirrorNodes(disk)?.includes(node) ?? user.primary_node === node;
}

/** The disk of the cluster whose data is at the location of this target; undefined when nothing uses that location. */
export function ownerOf(site: CallSite, target: DiskTarget): Disk | undefined {
  const { view } = site;
  const all = [...view.instances.list().flatMap((instance) => view.disksOf(instance)), ...view.freeDisks()];
  return all.find((disk) => isSameLocation(disk, target) && isOn(site, disk));
}

/** The instance that a disk is attached to. */
export const userOf = (view: ClusterView, disk: Disk) => view.instances.get(disk.instance ?? '');

/** Whether the disks of an instance are in use, or are meant to be. */
export function usesDisks({ runtime }: CallSite, instance: Instance): boolean {
  return instance.admin_state === 'up' || instance.disks_active === true || knownToRun(runtime, instance);
}

/** Whether the primary node answers and reports that the instance runs. */
export const knownToRun = (runtime: RuntimeView, instance: Instance) =>
  runtime.of(instance.primary_node) !== null && isRunning(runtime, instance);
