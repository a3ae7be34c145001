// OP_GUEST_FSTRIM: lets a guest discard unused blocks.
import { guestFstrim as opcode } from '../../opcodes/guest/fstrim.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestFstrim = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { minimum } = params;
    const { value } = await context.call('trim', node, 'guest.change', {
      ...{ guest, command: 'guest-fstrim' },
      args: minimum === null ? {} : { minimum },
    });
    return { result: value as Record<string, unknown> };
  },
});
