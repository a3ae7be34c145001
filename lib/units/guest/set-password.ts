// OP_GUEST_SET_PASSWORD: sets the password of a user of a guest.
import { guestSetPassword as opcode } from '../../opcodes/guest/set-password.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestSetPassword = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { username, password, crypted } = params;
    await context.call('set', node, 'guest.change', {
      ...{ guest, command: 'guest-set-user-password' },
      args: { username, password: Buffer.from(password).toString('base64'), crypted },
    });
    return { result: null };
  },
});
