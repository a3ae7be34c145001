import { z } from 'zod';
import { defineCall } from '../define.ts';
import { DiskTarget } from '../types.ts';

const nothing = z.strictObject({});

export const diskCreate = defineCall({
  name: 'disk.create',
  summary: 'Makes the data of a disk; succeeds when it is there already with that size.',
  params: z.strictObject({ disk: DiskTarget, instance_name: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const diskRemove = defineCall({
  name: 'disk.remove',
  summary:
    'Removes the data of a disk, and the folder that held it when that is empty; succeeds when it is gone.',
  params: z.strictObject({ disk: DiskTarget }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const diskStatus = defineCall({
  name: 'disk.status',
  summary: 'Tells for each disk whether its data is there, and its device path as the hypervisor sees it.',
  params: z.strictObject({ disks: z.array(DiskTarget) }),
  result: z.object({
    disks: z.array(
      z.object({ path: z.string().nullable(), exists: z.boolean(), size: z.number().int().nullable() }),
    ),
  }),
  mutates: false,
  timeout: 60_000,
});
