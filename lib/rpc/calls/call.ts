import * as z from 'zod';
import { defineCall } from '../define.ts';

export const callCancel = defineCall({
  name: 'call.cancel',
  summary: 'Ends the call under way with this id, which then fails as canceled; succeeds when there is none.',
  params: z.strictObject({ id: z.string() }),
  result: z.strictObject({}),
  mutates: false,
  timeout: 60_000,
});
