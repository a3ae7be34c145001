import * as z from 'zod';
import { defineCall } from '../define.ts';
import { InstanceTarget } from '../types.ts';

const nothing = z.strictObject({});

export const instanceStart = defineCall({
  name: 'instance.start',
  summary: 'Starts a guest; succeeds when it runs already.',
  params: z.strictObject({ instance: InstanceTarget, paused: z.boolean() }),
  result: nothing,
  mutates: true,
  timeout: 120_000,
});

export const instanceCheck = defineCall({
  name: 'instance.check',
  summary:
    'Fails when no guest with these parameters can run on the node; nothing is changed, also of one that runs.',
  params: z.strictObject({ instance: InstanceTarget }),
  result: nothing,
  mutates: false,
  timeout: 90_000,
});

export const instanceStop = defineCall({
  name: 'instance.stop',
  summary:
    'Asks a guest to shut down, and ends it when it has not within `timeout` seconds; succeeds when it does not run.',
  params: z.strictObject({
    instance: InstanceTarget,
    timeout: z.number().int().min(0),
    /** End it at once. */
    force: z.boolean(),
  }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const instanceReboot = defineCall({
  name: 'instance.reboot',
  summary: 'Restarts a running guest: `soft` from within its process, `hard` by ending and starting it.',
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
  summary:
    'Tells a running guest that one of its disks, by number, has grown to the size that the instance names.',
  params: z.strictObject({ instance: InstanceTarget, disk: z.number().int().min(0) }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const instanceMemory = defineCall({
  name: 'instance.memory',
  summary: 'Gives a running guest this much memory (MiB), at most what it was started with.',
  params: z.strictObject({ instance: InstanceTarget, memory: z.number().int().min(1) }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

/** A disk or NIC, by uuid, of the instance as it is with it. */
const ofDevice = z.strictObject({ instance: InstanceTarget, device: z.string() });

export const instancePlug = defineCall({
  name: 'instance.plug',
  summary: 'Gives a running guest a disk or NIC of its instance; succeeds when it has it, or does not run.',
  params: ofDevice,
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const instanceUnplug = defineCall({
  name: 'instance.unplug',
  summary: 'Has a running guest give up a disk or NIC; succeeds when it does not have it, or does not run.',
  params: ofDevice,
  result: nothing,
  mutates: true,
  timeout: 120_000,
});

export const instanceForget = defineCall({
  name: 'instance.forget',
  summary:
    'Removes all that the hypervisor keeps of a guest that does not run (logs, sockets, remembered state).',
  params: z.strictObject({ instance: InstanceTarget }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});
