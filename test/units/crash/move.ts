import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpInput } from '../../../lib/model/job.ts';
import type { TestCluster } from '../../helpers/cluster.ts';
import { instance_name, removal, type Scenario, startup, stopped } from './define.ts';

const diskless: OpInput = { ...stopped, disk_template: 'diskless', disks: [] };
const target_node = 'node2';

/** Opcodes that move an instance to another node. */
export const moveScenarios: Scenario[] = [
  {
    name: 'migrate an instance',
    setup: [diskless, startup],
    op: { OP_ID: 'OP_INSTANCE_MIGRATE', instance_name, target_node },
    cleanup: [removal],
    tolerates: ['instance.stop', 'instance.forget'],
  },
  {
    name: 'fail an instance over',
    setup: [diskless, startup],
    op: { OP_ID: 'OP_INSTANCE_FAILOVER', instance_name, target_node },
    cleanup: [removal],
    tolerates: ['instance.forget'],
  },
  {
    name: 'move an instance with its disks',
    setup: [{ ...stopped, disks: [{ size: 1 }, { size: 2 }] }, startup],
    op: { OP_ID: 'OP_INSTANCE_MOVE', instance_name, target_node },
    cleanup: [removal],
    tolerates: ['disk.remove', 'instance.forget'],
    tidy: (cluster: TestCluster) =>
      rm(join(cluster.folder('node1'), 'file-storage', instance_name), { recursive: true, force: true }),
  },
];
