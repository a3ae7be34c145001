// A live migration: `receive` on the new node, `send` on the old one, `resume` on the new one; if it fails, `resume` on the old one.
import * as z from 'zod';
import { defineCall } from '../define.ts';
import { InstanceTarget } from '../types.ts';

const nothing = z.strictObject({});

export const migrationReceive = defineCall({
  name: 'migration.receive',
  summary: 'Starts a guest that waits for its state from another node; returns where to send it.',
  params: z.strictObject({ instance: InstanceTarget }),
  result: z.object({ to: z.string() }),
  mutates: true,
  timeout: 120_000,
});

export const migrationSend = defineCall({
  name: 'migration.send',
  summary:
    'Sends the state of a running guest to the node that waits for it; the guest is then stopped here.',
  params: z.strictObject({ instance: InstanceTarget, to: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 24 * 3600_000,
});

export const migrationResume = defineCall({
  name: 'migration.resume',
  summary: 'Resumes a guest that was received here, or whose migration to another node failed.',
  params: z.strictObject({ instance: InstanceTarget }),
  result: nothing,
  mutates: true,
  timeout: 60_000,
});
