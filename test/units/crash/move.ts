import type { OpInput } from '../../../lib/model/job.ts';
import { create, instance_name, removal, type Scenario } from './define.ts';

const diskless: OpInput = { ...create, disk_template: 'diskless', disks: [] };
const target_node = 'node2';

/** Opcodes that move an instance to another node. */
export const moveScenarios: Scenario[] = [
  {
    name: 'migrate an instance',
    setup: [diskless],
    op: { OP_ID: 'OP_INSTANCE_MIGRATE', instance_name, target_node },
    cleanup: [removal],
    bears: ['instance.stop', 'instance.forget'],
  },
  {
    name: 'fail an instance over',
    setup: [diskless],
    op: { OP_ID: 'OP_INSTANCE_FAILOVER', instance_name, target_node },
    cleanup: [removal],
    bears: ['instance.forget'],
  },
];
