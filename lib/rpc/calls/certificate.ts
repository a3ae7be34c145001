import * as z from 'zod';
import { defineCall } from '../define.ts';

export const certificateCreate = defineCall({
  name: 'certificate.create',
  summary:
    'Makes a self-signed certificate that is valid for some seconds, and stores it with its key under a name; returns the stored one if there is one already.',
  params: z.strictObject({ name: z.string(), common_name: z.string(), seconds: z.number().int().min(1) }),
  result: z.object({ cert: z.string() }),
  mutates: true,
  timeout: 60_000,
});

export const certificateRemove = defineCall({
  name: 'certificate.remove',
  summary: 'Removes such a certificate; succeeds when there is none.',
  params: z.strictObject({ name: z.string() }),
  result: z.strictObject({}),
  mutates: true,
  timeout: 30_000,
});
