// The entry to the disk templates: their names, and questions about them. registry.ts lists them.
import type { StorageType } from '../storage.ts';
import { type DiskTemplate, templates } from './registry.ts';

export { type DiskTemplate, templates } from './registry.ts';

/** The names of all disk templates. */
export const diskTemplates = Object.keys(templates) as [DiskTemplate, ...DiskTemplate[]];

/** The templates whose disks can be converted: they have data that Merapi manages. */
export const convertible = diskTemplates.filter(
  (each) => templates[each].hasData && !templates[each].foreign,
);

/** The templates whose data is on a single node. */
export const onOneNode = diskTemplates.filter((each) => !templates[each].shared && !templates[each].mirrored);

/** How many nodes the allocator must choose for an instance. */
export function nodeCount(template: DiskTemplate): 1 | 2 {
  return templates[template].mirrored ? 2 : 1;
}

/** MiB that disks of these sizes use, metadata included. */
export function spaceOf(template: DiskTemplate, sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size + templates[template].metadata, 0);
}

/** The storage types that these templates use, without repetition; those of the first template come first. */
export function usedStorage(names: readonly DiskTemplate[]): StorageType[] {
  return [...new Set(names.flatMap((name) => templates[name].storage))];
}

/** Whether a template is mirrored; false for null. */
export function isMirrored(template: DiskTemplate | null): boolean {
  return template !== null && templates[template].mirrored;
}
