import { defineTemplate, fileBelow, fileBeside, fileOf } from './define.ts';

/** Files on the node's own file system. */
export const file = defineTemplate({
  space: 'file-system',
  storage: ['file'],
  fileBased: true,
  needs: ['file_storage_dir'],
  logicalId: (disk) => [disk.fileDriver, fileBelow(disk.cluster.file_storage_dir, disk)],
  placeFor: fileOf,
  snapshotPlace: fileBeside('file'),
});
