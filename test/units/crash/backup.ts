import type { OpInput } from '../../../lib/model/job.ts';
import { create, instance_name, removal, type Scenario, startup, stopped } from './define.ts';

const toNode2: OpInput = { OP_ID: 'OP_BACKUP_EXPORT', instance_name, target_node: 'node2' };
const discard: OpInput = { OP_ID: 'OP_BACKUP_REMOVE', instance_name };

/** Opcodes about exports, and the creation of an instance from one. */
export const backupScenarios: Scenario[] = [
  {
    name: 'export a running instance to a node',
    setup: [{ ...stopped, disks: [{ size: 1 }] }, startup],
    op: toNode2,
    cleanup: [removal, discard],
    tolerates: ['disk.remove'], // of a copy of a disk: that is a duty
  },
  {
    name: 'remove an export',
    setup: [{ ...stopped, disk_template: 'diskless', disks: [] }, toNode2],
    op: discard,
    cleanup: [removal, discard],
  },
  {
    name: 'import an instance',
    setup: [{ ...stopped, disks: [{ size: 1 }] }, startup, { ...toNode2, remove_instance: true }],
    op: { ...create, mode: 'import', disks: [], nics: [], os_type: null, src_node: 'node2' },
    cleanup: [removal, discard],
    tolerates: ['os.rename'],
  },
];
