import { create, instance_name, removal, running, type Scenario, startup, stopped } from './define.ts';

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
    setup: running,
    op: removal,
    cleanup: [removal],
    irreversible: true,
    tolerates: ['disk.remove', 'instance.forget'], // what stays is a duty
  },
  {
    name: 'start an instance',
    setup: [stopped],
    op: startup,
    cleanup: [removal],
  },
  {
    name: 'shut an instance down',
    setup: running,
    op: { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name },
    cleanup: [removal],
  },
  ...['soft', 'hard', 'full'].map((reboot_type) => ({
    name: `reboot an instance (${reboot_type})`,
    setup: running,
    op: { OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type },
    cleanup: [removal],
  })),
  {
    name: 'reboot one that does not run',
    setup: [stopped],
    op: { OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type: 'hard' },
    cleanup: [removal],
  },
];
