// OP_GUEST_FSTHAW: thaws the file systems of a guest.
import { guestFsthaw as opcode } from '../../opcodes/guest/fsthaw.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestFsthaw = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }) {
    const { count } = await context.call('thaw', node, 'guest.thaw', { guest });
    return { result: count };
  },
});
