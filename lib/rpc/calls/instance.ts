// Calls for guests. Each handler asks the driver of the instance's hypervisor; every call that changes something is idempotent, since
// it may be repeated after a crash of the worker.
import * as z from 'zod';
import { defineCall } from '../define.ts';
import { InstanceTarget } from '../types.ts';

const nothing = z.strictObject({});

export const instanceStart = defineCall({
  name: 'instance.start',
  summary: 'Starts a guest; succeeds when it is running already.',
  params: z.strictObject({ instance: InstanceTarget, paused: z.boolean() }),
  result: nothing,
  mutates: true,
  timeout: 120_000,
});

export const instanceCheck = defineCall({
  name: 'instance.check',
  summary:
    'Checks that a guest with these parameters can run on the node; nothing is changed, not even a running guest.',
  params: z.strictObject({ instance: InstanceTarget }),
  result: nothing,
  mutates: false,
  timeout: 90_000,
});

export const instanceStop = defineCall({
  name: 'instance.stop',
  summary:
    'Asks a guest to shut down, and kills it if it has not within `timeout` seconds; succeeds when it does not run.',
  params: z.strictObject({
    instance: InstanceTarget,
    timeout: z.number().int().min(0),
    /** Kill it at once. */
    force: z.boolean(),
  }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const instanceReboot = defineCall({
  name: 'instance.reboot',
  summary: 'Restarts a running guest: `soft` within its process, `hard` by stopping and starting it.',
  params: z.strictObject({
    instance: InstanceTarget,
    kind: z.enum(['soft', 'hard']),
    timeout: z.number().int().min(0),
  }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const instanceResize = defineCall({
  name: 'instance.resize',
  summary: 'Makes the new size of a disk, by number, known to a running guest.',
  params: z.strictObject({ instance: InstanceTarget, disk: z.number().int().min(0) }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const instanceMemory = defineCall({
  name: 'instance.memory',
  summary: 'Sets the memory of a running guest in MiB, at most what it was started with.',
  params: z.strictObject({ instance: InstanceTarget, memory: z.number().int().min(1) }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

/** A device of an instance, a disk or NIC by its uuid; `instance` includes the device, also where it is to be removed. */
const ofDevice = z.strictObject({ instance: InstanceTarget, device: z.string() });

export const instancePlug = defineCall({
  name: 'instance.plug',
  summary: 'Plugs a disk or NIC into a running guest; succeeds when it has it already, or does not run.',
  params: ofDevice,
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const instanceUnplug = defineCall({
  name: 'instance.unplug',
  summary: 'Unplugs a disk or NIC from a running guest; succeeds when it does not have it, or does not run.',
  params: ofDevice,
  result: nothing,
  mutates: true,
  timeout: 120_000,
});

export const instanceForget = defineCall({
  name: 'instance.forget',
  summary:
    'Removes all files of the hypervisor about a guest that does not run (logs, sockets, stored state).',
  params: z.strictObject({ instance: InstanceTarget }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});
