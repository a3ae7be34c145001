import * as z from 'zod';
import type { Disk } from './disk.ts';
import { primaryOf } from './find.ts';
import type { Instance } from './instance.ts';
import type { Node } from './node.ts';
import { templates } from './templates/index.ts';
import type { ClusterView } from './view.ts';

/** The logical id of a mirrored disk: its two nodes (uuids), the TCP port of the connection, its minor number on each node, the shared secret. */
export const MirrorId = z.tuple([
  z.string(),
  z.string(),
  z.number().int(),
  z.number().int(),
  z.number().int(),
  z.string(),
]);
export type MirrorId = z.infer<typeof MirrorId>;

/** The two nodes (uuids) that hold a mirrored disk; null for any other disk. */
export function mirrorNodes(disk: Pick<Disk, 'dev_type' | 'logical_id'>): readonly [string, string] | null {
  if (!templates[disk.dev_type].mirrored) return null;
  const [a, b] = MirrorId.parse(disk.logical_id);
  return [a, b];
}

/** The TCP port of a mirrored disk; null for any other disk, and for one that has no port yet. */
export function mirrorPort(disk: Pick<Disk, 'dev_type' | 'logical_id'>): number | null {
  if (!templates[disk.dev_type].mirrored) return null;
  const [, , port] = MirrorId.parse(disk.logical_id);
  return port || null;
}

/** The secondary node of an instance by uuid; null when none of its disks is mirrored. */
export function secondaryOf(view: ClusterView, instance: Instance): string | null {
  for (const disk of view.disksOf(instance)) {
    const other = mirrorNodes(disk)?.find((node) => node !== instance.primary_node);
    if (other !== undefined) return other;
  }
  return null;
}

/** The nodes of an instance by uuid, its primary node first. */
export function nodesOf(view: ClusterView, instance: Instance): readonly string[] {
  const secondary = secondaryOf(view, instance);
  return secondary === null ? [instance.primary_node] : [instance.primary_node, secondary];
}

/** The nodes that have an instance's disks; a secondary one only if they are mirrored. */
export interface DiskNodes {
  primary: Node;
  secondary: Node | null;
}

/** The nodes of an instance. @throws MerapiError not_found */
export function diskNodesOf(view: ClusterView, instance: Instance): DiskNodes {
  const secondary = secondaryOf(view, instance);
  return {
    primary: primaryOf(view, instance),
    secondary: secondary === null ? null : (view.nodes.get(secondary) ?? null),
  };
}
