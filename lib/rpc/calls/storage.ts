import * as z from 'zod';
import { listedStorage } from '../../model/storage.ts';
import { defineCall } from '../define.ts';

const nothing = z.strictObject({});
const kind = z.enum(listedStorage);

/** A part of a node's storage, sizes in MiB. */
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
    'Tells the storage units of one kind. Those of files are the given folders, as the cluster calls them.',
  params: z.strictObject({ type: kind, folders: z.array(z.string()) }),
  result: z.object({ units: z.array(StorageUnit) }),
  mutates: false,
  timeout: 60_000,
});

export const storageModify = defineCall({
  name: 'storage.modify',
  summary: 'Says whether a physical volume takes new volumes.',
  params: z.strictObject({ type: kind, name: z.string(), allocatable: z.boolean() }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const storageRepair = defineCall({
  name: 'storage.repair',
  summary: 'Takes physical volumes that are lost out of a volume group.',
  params: z.strictObject({ type: kind, name: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});
