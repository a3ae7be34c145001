// Calls for the data of disks. Each handler asks the storage driver of the disk's template; every call that changes something is
// idempotent, since it may be repeated after a crash of the worker.
import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { defineCall } from '../define.ts';
import { Compression, DiskTarget, MirrorStatus, StreamSource } from '../types.ts';

const nothing = z.strictObject({});

export const diskCheck = defineCall({
  name: 'disk.check',
  summary:
    'Checks that guests of a hypervisor can use disks of these templates on the node, whether the disks exist or not.',
  params: z.strictObject({ disks: z.array(DiskTarget), hypervisor: z.enum(hypervisors) }),
  result: nothing,
  mutates: false,
  timeout: 60_000,
});

export const diskCreate = defineCall({
  name: 'disk.create',
  summary: 'Creates the data of a disk; succeeds when it exists already with that size.',
  // No release has read instance_name, but version 2 of the protocol demands it.
  params: z.strictObject({ disk: DiskTarget, instance_name: z.string().optional() }),
  older: ({ disk }) => ({ disk, instance_name: disk.uuid }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const diskRemove = defineCall({
  name: 'disk.remove',
  summary: 'Removes the data of a disk, and its folder if that is empty; succeeds when it is gone already.',
  params: z.strictObject({ disk: DiskTarget }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const diskGrow = defineCall({
  name: 'disk.grow',
  summary: 'Grows the data of a disk to at least `size` MiB; a bigger disk stays as it is.',
  params: z.strictObject({ disk: DiskTarget, size: z.number().int().min(1) }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const diskActivate = defineCall({
  name: 'disk.activate',
  summary:
    'Activates a disk: with `primary` for guests, otherwise as the secondary side of a mirror; returns its path.',
  params: z.strictObject({ disk: DiskTarget, primary: z.boolean() }),
  result: z.object({ path: z.string().nullable() }),
  mutates: true,
  timeout: 120_000,
});

export const diskDeactivate = defineCall({
  name: 'disk.deactivate',
  summary: 'Deactivates a disk; succeeds when the disk is gone.',
  params: z.strictObject({ disk: DiskTarget }),
  result: nothing,
  mutates: true,
  timeout: 120_000,
});

export const diskCopy = defineCall({
  name: 'disk.copy',
  summary:
    'Copies the data of one disk of the node to another one of the node, which must be at least as big.',
  params: z.strictObject({ from: DiskTarget, to: DiskTarget }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const diskSnapshot = defineCall({
  name: 'disk.snapshot',
  summary: 'Creates a copy of a disk with its present data, also while a guest uses the disk.',
  params: z.strictObject({ disk: DiskTarget, copy: DiskTarget }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const diskOffer = defineCall({
  name: 'disk.offer',
  summary:
    'Offers the data of a disk, under the id of the disk, to the worker of another node; returns where this worker listens.',
  params: z.strictObject({ disk: DiskTarget, to: z.string(), compress: Compression }),
  /** The host is null if the worker listens on all addresses. */
  result: z.object({ host: z.string().nullable(), port: z.number().int() }),
  mutates: false,
  timeout: 60_000,
});

export const diskFetch = defineCall({
  name: 'disk.fetch',
  summary: 'Overwrites a disk with the data of one of the same size that the worker of another node offers.',
  params: z.strictObject({ disk: DiskTarget, from: StreamSource }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const diskStatus = defineCall({
  name: 'disk.status',
  summary: 'Returns the state of disks: whether their data exists, and its path as the hypervisor uses it.',
  params: z.strictObject({ disks: z.array(DiskTarget) }),
  result: z.object({
    disks: z.array(
      z.object({
        path: z.string().nullable(),
        exists: z.boolean(),
        size: z.number().int().nullable(),
        /** Whether it is activated, so that a guest can use it. */
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
  summary: 'Moves the file of a disk to another path on its node; succeeds when it is there already.',
  params: z.strictObject({ from: DiskTarget, to: DiskTarget }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});
