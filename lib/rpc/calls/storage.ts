import * as z from 'zod';
import { listedStorage } from '../../model/storage.ts';
import { defineCall } from '../define.ts';

const nothing = z.strictObject({});
const kind = z.enum(listedStorage);

/** A storage unit of a node: a folder, a volume group or a physical volume; sizes in MiB. */
const StorageUnit = z.object({
  name: z.string(),
  size: z.number().int(),
  used: z.number().int(),
  free: z.number().int(),
  allocatable: z.boolean(),
});
export type StorageUnit = z.infer<typeof StorageUnit>;

export const storageList = defineCall({
  name: 'storage.list',
  summary:
    'Returns the storage units of one type. Those of file and sharedfile are the given folders, under the names that the cluster uses.',
  params: z.strictObject({ type: kind, folders: z.array(z.string()) }),
  result: z.object({ units: z.array(StorageUnit) }),
  mutates: false,
  timeout: 60_000,
});

export const storageModify = defineCall({
  name: 'storage.modify',
  summary: 'Sets whether new volumes may be allocated on a physical volume.',
  params: z.strictObject({ type: kind, name: z.string(), allocatable: z.boolean() }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const storageRepair = defineCall({
  name: 'storage.repair',
  summary: 'Removes lost physical volumes from a volume group.',
  params: z.strictObject({ type: kind, name: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});
