import * as z from 'zod';
import { integer } from '../../model/guest-agent/structures.ts';
import { maybe, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, kindOf, noLocks } from './target.ts';

export const guestSetTime = defineOpcode({
  id: 'OP_GUEST_SET_TIME',
  summary: "Sets the clock of a guest, by default to that of its virtual hardware, which follows the node's.",
  params: {
    ...guestTarget,
    time: optional(
      maybe(kindOf('Nanoseconds', integer, { words: 'an integer', example: 1_800_000_000_000_000_000n })),
      null,
      'Nanoseconds since 1970 (UTC). Guests with Windows need it.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  access: 'guest-power',
  locks: noLocks,
  example: { instance_name: 'web1.example.com' },
});
