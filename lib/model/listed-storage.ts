import { MerapiError } from '../base/errors.ts';
import { type ListedStorage, listedStorage, type StorageType } from './storage.ts';
import { usedStorage } from './templates/index.ts';
import type { ClusterView } from './view.ts';

/** The folders in which the cluster keeps the disks of this storage type; none for types without files. */
export function storageFolders({ cluster }: ClusterView, type: ListedStorage): string[] {
  if (type === 'file') return [cluster.file_storage_dir];
  return type === 'sharedfile' ? [cluster.shared_file_storage_dir] : [];
}

/** Checks that the cluster uses a storage type and that nodes can list its units. @throws MerapiError wrong_input */
export function listable(view: ClusterView, type: StorageType): ListedStorage {
  const used = usedStorage(view.cluster.enabled_disk_templates);
  if (!used.includes(type))
    throw new MerapiError(
      'wrong_input',
      `No enabled disk template uses storage of type '${type}'; in use are ${used.join(', ')}`,
    );
  const listed = listedStorage.find((each) => each === type);
  if (listed) return listed;
  throw new MerapiError(
    'wrong_input',
    `Units of storage of type '${type}' cannot be listed; give one of ${listedStorage.join(', ')}`,
  );
}
