import * as z from 'zod';
import { defineOpcode } from '../define.ts';
import { guestTarget, noLocks } from './target.ts';

export const guestFsthaw = defineOpcode({
  id: 'OP_GUEST_FSTHAW',
  summary: 'Thaws the file systems of a guest; returns how many were frozen.',
  params: guestTarget,
  result: z.number().int(),
  summaryField: 'instance_name',
  access: 'guest-fs',
  locks: noLocks,
  example: { instance_name: 'web1.example.com' },
});
