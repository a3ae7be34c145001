import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { defineCall } from '../define.ts';
import { Compression, DiskTarget, MirrorStatus, StreamSource } from '../types.ts';

const nothing = z.strictObject({});

export const diskCheck = defineCall({
  name: 'disk.check',
  summary:
    'Checks that guests of a hypervisor could use disks of these templates on the node, whether the disks exist or not.',
  params: z.strictObject({ disks: z.array(DiskTarget), hypervisor: z.enum(hypervisors) }),
  result: nothing,
  mutates: false,
  timeout: 60_000,
});

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

export const diskGrow = defineCall({
  name: 'disk.grow',
  summary: 'Makes the data of a disk at least as big as `size` MiB; what is bigger stays as it is.',
  params: z.strictObject({ disk: DiskTarget, size: z.number().int().min(1) }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const diskActivate = defineCall({
  name: 'disk.activate',
  summary:
    'Makes a disk ready for use, with `primary` by guests, otherwise as the receiving side of a mirror; tells its path.',
  params: z.strictObject({ disk: DiskTarget, primary: z.boolean() }),
  result: z.object({ path: z.string().nullable() }),
  mutates: true,
  timeout: 120_000,
});

export const diskDeactivate = defineCall({
  name: 'disk.deactivate',
  summary: 'Ends what disk.activate began; succeeds when the disk is gone.',
  params: z.strictObject({ disk: DiskTarget }),
  result: nothing,
  mutates: true,
  timeout: 120_000,
});

export const diskCopy = defineCall({
  name: 'disk.copy',
  summary:
    'Copies the data of one disk of the node over that of another one of it, which is as big at least.',
  params: z.strictObject({ from: DiskTarget, to: DiskTarget }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const diskSnapshot = defineCall({
  name: 'disk.snapshot',
  summary: 'Makes a disk with the data that another one of the node has now, whether a guest uses it or not.',
  params: z.strictObject({ disk: DiskTarget, copy: DiskTarget }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const diskOffer = defineCall({
  name: 'disk.offer',
  summary:
    'Lets the worker of another node read the data of a disk, under the id of the disk; tells where this worker listens.',
  params: z.strictObject({ disk: DiskTarget, to: z.string(), compress: Compression }),
  /** Without a host where the worker listens on all addresses. */
  result: z.object({ host: z.string().nullable(), port: z.number().int() }),
  mutates: false,
  timeout: 60_000,
});

export const diskFetch = defineCall({
  name: 'disk.fetch',
  summary: 'Reads the data that the worker of another node offers over that of a disk of the same size.',
  params: z.strictObject({ disk: DiskTarget, from: StreamSource }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const diskStatus = defineCall({
  name: 'disk.status',
  summary: 'Tells for each disk whether its data is there, and its device path as the hypervisor sees it.',
  params: z.strictObject({ disks: z.array(DiskTarget) }),
  result: z.object({
    disks: z.array(
      z.object({
        path: z.string().nullable(),
        exists: z.boolean(),
        size: z.number().int().nullable(),
        /** Whether a guest could use it now. */
        active: z.boolean(),
        mirror: MirrorStatus.nullable(),
      }),
    ),
  }),
  mutates: false,
  timeout: 60_000,
});

export const diskRename = defineCall({
  name: 'disk.rename',
  summary: 'Moves the file of a disk to another place on its node; succeeds when it is there already.',
  params: z.strictObject({ from: DiskTarget, to: DiskTarget }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});
