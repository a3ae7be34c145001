// OP_GUEST_SET_TIME: sets the clock of a guest.
import { guestSetTime as opcode } from '../../opcodes/guest/set-time.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestSetTime = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { time } = params;
    await context.call('set', node, 'guest.change', {
      ...{ guest, command: 'guest-set-time' },
      args: time === null ? {} : { time },
    });
    return { result: null };
  },
});
