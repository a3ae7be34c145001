// OP_GUEST_POWER: lets the operating system of a guest shut down, reboot or suspend.
import { guestPower as opcode } from '../../opcodes/guest/power.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

/** The agent's command for each action. */
const commands = {
  shutdown: { command: 'guest-shutdown', args: { mode: 'powerdown' } },
  halt: { command: 'guest-shutdown', args: { mode: 'halt' } },
  reboot: { command: 'guest-shutdown', args: { mode: 'reboot' } },
  'suspend-ram': { command: 'guest-suspend-ram', args: {} },
  'suspend-disk': { command: 'guest-suspend-disk', args: {} },
  'suspend-hybrid': { command: 'guest-suspend-hybrid', args: {} },
} as const;

export const guestPower = defineUnit(opcode, {
  check: (context, { instance_name }) => guestNamed(context, instance_name),

  async run(context, { node, guest }, params) {
    await context.call('power', node, 'guest.change', { guest, ...commands[params.action] });
    return { result: null };
  },
});
