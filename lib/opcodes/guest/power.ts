import * as z from 'zod';
import { oneOf, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, noLocks } from './target.ts';

export const guestPower = defineOpcode({
  id: 'OP_GUEST_POWER',
  summary:
    'Lets the operating system of a guest shut down, halt, reboot or suspend, as if one of its users had asked for it: the instance is still meant to be up.',
  params: {
    ...guestTarget,
    action: required(
      oneOf(['shutdown', 'halt', 'reboot', 'suspend-ram', 'suspend-disk', 'suspend-hybrid']),
      'What it does.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  access: 'guest-power',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', action: 'reboot' },
});
