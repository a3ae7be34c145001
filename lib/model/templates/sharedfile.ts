import { defineTemplate, fileBelow, fileBeside, fileOf } from './define.ts';

/** Files on a shared file system, e.g. NFS, that every node has mounted. */
export const sharedfile = defineTemplate({
  shared: true,
  storage: ['sharedfile'],
  fileBased: true,
  needs: ['shared_file_storage_dir'],
  logicalId: (disk) => [disk.fileDriver, fileBelow(disk.cluster.shared_file_storage_dir, disk)],
  placeFor: fileOf,
  snapshotPlace: fileBeside('sharedfile'),
});
