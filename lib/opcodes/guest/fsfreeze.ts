import * as z from 'zod';
import { kinds, maybe, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, LONGEST_FREEZE, noLocks, secondsUpTo } from './target.ts';

export const guestFsfreeze = defineOpcode({
  id: 'OP_GUEST_FSFREEZE',
  summary:
    'Freezes the file systems of a guest, so that its disks hold a consistent state; they are thawed by OP_GUEST_FSTHAW or after `ttl` seconds. Returns how many were frozen.',
  params: {
    ...guestTarget,
    mountpoints: optional(maybe(kinds.names), null, 'Only the file systems that are mounted there.'),
    ttl: optional(secondsUpTo(LONGEST_FREEZE), 60, 'After how many seconds they are thawed at the latest.'),
  },
  result: z.number().int(),
  summaryField: 'instance_name',
  access: 'guest-fs',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', ttl: 30 },
});
