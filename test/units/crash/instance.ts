import { create, instance_name, removal, type Scenario } from './define.ts';

/** Opcodes on instances. */
export const instanceScenarios: Scenario[] = [
  { name: 'create an instance', setup: [], op: create, cleanup: [removal] },
  {
    name: 'create one that the allocator places',
    setup: [],
    op: { ...create, pnode: null },
    cleanup: [removal],
    anyNode: true,
  },
  {
    name: 'create one without disks',
    setup: [],
    op: { ...create, disk_template: 'diskless', disks: [] },
    cleanup: [removal],
  },
  {
    name: 'remove an instance',
    setup: [create],
    op: removal,
    cleanup: [removal],
    irreversible: true,
    tolerates: ['disk.remove', 'instance.forget'], // what stays is a duty
  },
  {
    name: 'start an instance',
    setup: [{ ...create, start: false }],
    op: { OP_ID: 'OP_INSTANCE_STARTUP', instance_name },
    cleanup: [removal],
  },
  {
    name: 'shut an instance down',
    setup: [create],
    op: { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name },
    cleanup: [removal],
  },
  ...['soft', 'hard', 'full'].map((reboot_type) => ({
    name: `reboot an instance (${reboot_type})`,
    setup: [create],
    op: { OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type },
    cleanup: [removal],
  })),
  {
    name: 'reboot one that does not run',
    setup: [{ ...create, start: false }],
    op: { OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type: 'hard' },
    cleanup: [removal],
  },
];
