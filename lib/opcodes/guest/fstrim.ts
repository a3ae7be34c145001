import * as z from 'zod';
import { kinds, maybe, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, noLocks } from './target.ts';

export const guestFstrim = defineOpcode({
  id: 'OP_GUEST_FSTRIM',
  summary:
    "Makes a guest discard the unused blocks of its file systems; returns the agent's report, which lists what was trimmed at each mount point.",
  params: {
    ...guestTarget,
    minimum: optional(maybe(kinds.count), null, 'The smallest free range in bytes that is discarded.'),
  },
  result: z.record(z.string(), z.unknown()),
  summaryField: 'instance_name',
  access: 'guest-fs',
  locks: noLocks,
  example: { instance_name: 'web1.example.com' },
});
