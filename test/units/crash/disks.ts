import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestCluster } from '../../helpers/cluster.ts';
import { instance_name, removal, type Scenario, startup, stopped } from './define.ts';

const small = { ...stopped, disks: [{ size: 1 }] };
const mirrored = { ...small, disk_template: 'drbd', snode: 'node2' };
const cleanup = [removal];

/** Removes what a node kept of a side that it no longer has. */
const dropSides = (cluster: TestCluster) =>
  rm(join(cluster.dir, 'volumes', 'drbd'), { recursive: true, force: true });

/** Loses the disks of the instance, or removes what is left of them. */
const dropFiles = (cluster: TestCluster) =>
  rm(join(cluster.folder('node1'), 'file-storage', instance_name), { recursive: true, force: true });

/** Opcodes on the disks of instances. */
export const diskScenarios: Scenario[] = [
  {
    name: 'create an instance with mirrored disks',
    setup: [],
    op: { ...mirrored, no_install: false, start: true },
    cleanup,
  },
  {
    name: 'grow a disk',
    setup: [small, startup],
    op: { OP_ID: 'OP_INSTANCE_GROW_DISK', instance_name, disk: 0, amount: 4 },
    cleanup,
    tolerates: ['instance.resize'],
  },
  {
    name: 'activate disks',
    setup: [mirrored],
    op: { OP_ID: 'OP_INSTANCE_ACTIVATE_DISKS', instance_name },
    cleanup,
  },
  {
    name: 'deactivate disks',
    setup: [mirrored, { OP_ID: 'OP_INSTANCE_ACTIVATE_DISKS', instance_name }],
    op: { OP_ID: 'OP_INSTANCE_DEACTIVATE_DISKS', instance_name },
    cleanup,
  },
  {
    name: 'recreate disks',
    setup: [{ ...small, disks: [{ size: 1 }, { size: 2 }] }],
    disturb: dropFiles,
    op: { OP_ID: 'OP_INSTANCE_RECREATE_DISKS', instance_name },
    cleanup,
  },
  {
    name: 'replace the secondary node of disks',
    setup: [mirrored],
    op: {
      ...{ OP_ID: 'OP_INSTANCE_REPLACE_DISKS', instance_name },
      ...{ mode: 'replace_new_secondary', remote_node: 'node3' },
    },
    cleanup,
    tolerates: ['disk.remove'],
    tidy: dropSides,
  },
  {
    name: 'convert disks to another template',
    setup: [small],
    op: {
      ...{ OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, beparams: { vcpus: 2 } },
      ...{ disk_template: 'drbd', remote_node: 'node2' },
    },
    cleanup,
    tolerates: ['disk.remove', 'disk.deactivate'],
    tidy: dropFiles,
  },
  {
    name: 'replace one side of disks',
    setup: [mirrored, startup],
    op: { OP_ID: 'OP_INSTANCE_REPLACE_DISKS', instance_name, mode: 'replace_on_secondary' },
    cleanup,
    irreversible: true,
  },
];
