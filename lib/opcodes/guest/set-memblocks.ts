import * as z from 'zod';
import { MemoryBlock } from '../../model/guest-agent/structures.ts';
import { required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, kindOf, noLocks } from './target.ts';

export const guestSetMemblocks = defineOpcode({
  id: 'OP_GUEST_SET_MEMBLOCKS',
  summary:
    "Brings memory blocks of a guest online or offline; returns the agent's response to each entry of the list.",
  params: {
    ...guestTarget,
    mem_blks: required(
      kindOf('List of Dictionary', z.array(MemoryBlock)),
      'The blocks in the form in which the agent lists them: `phys-index` and `online`.',
    ),
  },
  result: z.array(z.record(z.string(), z.unknown())),
  summaryField: 'instance_name',
  access: 'guest-power',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', mem_blks: [{ 'phys-index': 8, online: true }] },
});
