import * as z from 'zod';
import { defineCall } from '../define.ts';
import { InstanceTarget } from '../types.ts';

const nothing = z.strictObject({});

export const migrationReceive = defineCall({
  name: 'migration.receive',
  summary: 'Makes a guest that waits for its state from another node, and tells where that is to be sent.',
  params: z.strictObject({ instance: InstanceTarget }),
  result: z.object({ to: z.string() }),
  mutates: true,
  timeout: 120_000,
});

export const migrationSend = defineCall({
  name: 'migration.send',
  summary: 'Sends the state of a running guest to where it is waited for; the guest is then stopped here.',
  params: z.strictObject({ instance: InstanceTarget, to: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 24 * 3600_000,
});

export const migrationResume = defineCall({
  name: 'migration.resume',
  summary: 'Lets a guest run that was received here, or that was sent elsewhere in vain.',
  params: z.strictObject({ instance: InstanceTarget }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});
