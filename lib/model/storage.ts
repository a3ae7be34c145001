import type { Cluster } from './cluster.ts';
import type { DiskTemplate } from './diskparams/index.ts';

/** The kinds of storage that Ganeti names. */
export const storageTypes = [
  'blockdev',
  'diskless',
  'ext',
  'file',
  'gluster',
  'lvm-pv',
  'lvm-vg',
  'rados',
  'sharedfile',
] as const;
export type StorageType = (typeof storageTypes)[number];

/** The kinds of storage whose units nodes can list. */
export const listedStorage = ['file', 'sharedfile', 'lvm-vg', 'lvm-pv'] as const;
export type ListedStorage = (typeof listedStorage)[number];

/** What a storage unit tells of itself. */
export const storageFields = ['name', 'size', 'used', 'free', 'allocatable'] as const;

const storageOf: Readonly<Record<DiskTemplate, readonly StorageType[]>> = {
  blockdev: ['blockdev'],
  diskless: ['diskless'],
  drbd: ['lvm-vg', 'lvm-pv'],
  ext: ['ext'],
  file: ['file'],
  gluster: ['gluster'],
  plain: ['lvm-vg', 'lvm-pv'],
  rbd: ['rados'],
  sharedfile: ['sharedfile'],
};

/** The kinds of storage that the disk templates of a cluster use; that of the first template goes first. */
export function usedStorage({ enabled_disk_templates }: Cluster): StorageType[] {
  return [...new Set(enabled_disk_templates.flatMap((template) => storageOf[template]))];
}
