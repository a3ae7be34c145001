import type { StorageType } from '../storage.ts';
import { type DiskTemplate, templates } from './registry.ts';

export { type DiskTemplate, templates } from './registry.ts';

/** The names of all disk templates. */
export const diskTemplates = Object.keys(templates) as [DiskTemplate, ...DiskTemplate[]];

/** Those whose disks have data of their own that can be copied to disks of another template. */
export const convertible = diskTemplates.filter(
  (each) => templates[each].hasData && !templates[each].foreign,
);

/** Those of which one node alone holds the data. */
export const onOneNode = diskTemplates.filter((each) => !templates[each].shared && !templates[each].mirrored);

/** How many nodes hold the data of an instance. */
export function nodeCount(template: DiskTemplate): 1 | 2 {
  return templates[template].mirrored ? 2 : 1;
}

/** MiB that disks of these sizes take, wherever they are. */
export function spaceOf(template: DiskTemplate, sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size + templates[template].metadata, 0);
}

/** The kinds of storage that these templates use; that of the first template goes first. */
export function usedStorage(names: readonly DiskTemplate[]): StorageType[] {
  return [...new Set(names.flatMap((name) => templates[name].storage))];
}

/** Whether two nodes hold the data; false while no template is named. */
export function isMirrored(template: DiskTemplate | null): boolean {
  return template !== null && templates[template].mirrored;
}
