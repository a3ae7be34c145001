// OP_GUEST_SET_MEMBLOCKS: brings memory blocks of a guest online or offline.
import { guestSetMemblocks as opcode } from '../../opcodes/guest/set-memblocks.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestSetMemblocks = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { value } = await context.call('set', node, 'guest.change', {
      ...{ guest, command: 'guest-set-memory-blocks' },
      args: { 'mem-blks': params.mem_blks },
    });
    return { result: value as Record<string, unknown>[] };
  },
});
