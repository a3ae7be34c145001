// OP_GUEST_FILE_WRITE: writes an upload to a file of a guest.
import { guestFileWrite as opcode } from '../../opcodes/guest/file-write.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestFileWrite = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { path, upload, size, checksum, append } = params;
    await context.call('write', node, 'guest.write', { guest, upload, path, append, size, checksum }, [
      { call: 'guest.discard', params: { upload } },
    ]);
    return { result: { bytes: size } };
  },
});
