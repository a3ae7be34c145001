import { MerapiError } from '../base/errors.ts';
import { type ListedStorage, listedStorage, type StorageType } from './storage.ts';
import { usedStorage } from './templates/index.ts';
import type { ClusterView } from './view.ts';

/** The folders that the cluster keeps for files of this kind of storage. */
export function storageFolders({ cluster }: ClusterView, type: ListedStorage): string[] {
  if (type === 'file') return [cluster.file_storage_dir];
  return type === 'sharedfile' ? [cluster.shared_file_storage_dir] : [];
}

/** A kind of storage that nodes can tell about and that the cluster uses. @throws MerapiError wrong_input */
export function listable(view: ClusterView, type: StorageType): ListedStorage {
  const used = usedStorage(view.cluster.enabled_disk_templates);
  if (!used.includes(type))
    throw new MerapiError(
      'wrong_input',
      `No disk template that is enabled uses storage of type '${type}'; in use are ${used.join(', ')}`,
    );
  const listed = listedStorage.find((each) => each === type);
  if (listed) return listed;
  throw new MerapiError(
    'wrong_input',
    `Nothing is told of storage of type '${type}'; give one of ${listedStorage.join(', ')}`,
  );
}
