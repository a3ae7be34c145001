// OP_GUEST_SSH_KEYS: changes the authorized_keys of a user of a guest.
import { guestSshKeys as opcode } from '../../opcodes/guest/ssh-keys.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestSshKeys = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { username, keys, action } = params;
    const command =
      action === 'remove' ? 'guest-ssh-remove-authorized-keys' : 'guest-ssh-add-authorized-keys';
    const reset = action === 'replace' ? { reset: true } : {};
    await context.call('change', node, 'guest.change', {
      guest,
      command,
      args: { username, keys, ...reset },
    });
    return { result: null };
  },
});
