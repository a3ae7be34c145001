// OP_GUEST_SET_VCPUS: brings processors of a guest online or offline.
import { guestSetVcpus as opcode } from '../../opcodes/guest/set-vcpus.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestSetVcpus = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    const { value } = await context.call('set', node, 'guest.change', {
      ...{ guest, command: 'guest-set-vcpus' },
      args: { vcpus: params.vcpus },
    });
    return { result: Number(value) };
  },
});
