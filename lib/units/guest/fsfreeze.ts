// OP_GUEST_FSFREEZE: freezes file systems of a guest. The node thaws them after `ttl`, whatever becomes of the master.
import { guestFsfreeze as opcode } from '../../opcodes/guest/fsfreeze.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestFsfreeze = defineUnit(opcode, {
  check: (context, { instance_name }) => ({
    ...guestNamed(context, instance_name),
    id: context.random.uuid(),
  }),

  async run(context, { node, guest, id }, params) {
    const { count } = await context.call(
      'freeze',
      node,
      'guest.freeze',
      { guest, id, mountpoints: params.mountpoints, ttl: params.ttl * 1000 },
      [{ call: 'guest.thaw', params: { guest, id } }],
    );
    return { result: count };
  },
});
