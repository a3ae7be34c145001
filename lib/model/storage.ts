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
