import * as z from 'zod';
import { Processor } from '../../model/guest-agent/structures.ts';
import { required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, kindOf, noLocks } from './target.ts';

export const guestSetVcpus = defineOpcode({
  id: 'OP_GUEST_SET_VCPUS',
  summary:
    'Brings virtual processors of a guest online or offline, in the order of the list; returns how many entries were done.',
  params: {
    ...guestTarget,
    vcpus: required(
      kindOf('List of Dictionary', z.array(Processor)),
      'The processors in the form in which the agent lists them: `logical-id` and `online`.',
    ),
  },
  result: z.number().int(),
  summaryField: 'instance_name',
  access: 'guest-power',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', vcpus: [{ 'logical-id': 1, online: false }] },
});
