/** The storage types of Ganeti. */
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

/** The storage types whose units nodes can list. */
export const listedStorage = ['file', 'sharedfile', 'lvm-vg', 'lvm-pv'] as const;
export type ListedStorage = (typeof listedStorage)[number];

/** The fields of a storage unit. */
export const storageFields = ['name', 'size', 'used', 'free', 'allocatable'] as const;
