import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { ALL } from '../../model/locks.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { diskTemplates } from '../../model/templates/index.ts';
import { defineOpcode } from '../define.ts';
import { nicsKind } from '../kinds.ts';
import { clusterShared } from '../locking.ts';
import { theCluster } from '../objects.ts';

const modes = [
  'allocate',
  'allocate-secondary',
  'change-group',
  'multi-allocate',
  'node-evacuate',
  'relocate',
] as const;

export const testAllocator = defineOpcode({
  id: 'OP_TEST_ALLOCATOR',
  summary: 'Shows the request to an allocator, or its answer; nothing is changed.',
  params: {
    direction: required(oneOf(['in', 'out']), 'What is shown: the request (in) or the answer (out).'),
    mode: required(oneOf(modes), 'The mode of the request.'),
    name: required(kinds.name, 'The instance; with the mode multi-allocate a number is added to it.'),
    nics: optional(maybe(nicsKind), null, 'The NICs of a new instance.'),
    disks: optional(maybe(kinds.list), null, 'The disks of a new instance, each with its size.'),
    hypervisor: optional(
      maybe(oneOf(hypervisors)),
      null,
      "The hypervisor of a new instance; by default the cluster's first.",
    ),
    iallocator: optional(maybe(kinds.name), null, 'The allocator; needed for its answer.'),
    tags: optional(kinds.names, [], 'The tags of a new instance.'),
    memory: optional(maybe(kinds.count), null, 'MiB of memory of a new instance.'),
    vcpus: optional(maybe(kinds.count), null, 'The virtual CPUs of a new instance.'),
    os: optional(maybe(kinds.name), null, 'The OS of a new instance.'),
    disk_template: optional(maybe(oneOf(diskTemplates)), null, 'The disk template of a new instance.'),
    instances: optional(maybe(kinds.names), null, 'The instances to move.'),
    evac_mode: optional(
      maybe(oneOf(['secondary-only', 'primary-only', 'all'])),
      null,
      'Which of their nodes they leave.',
    ),
    target_groups: optional(maybe(kinds.names), null, 'The groups that they may go to.'),
    spindle_use: optional(kinds.count, 1, 'How much a new instance loads disks.'),
    count: optional(kinds.count, 1, 'How many new instances there are with the mode multi-allocate.'),
    group_name: optional(maybe(kinds.name), null, 'The group that a new instance must be in.'),
  },
  result: z.string(),
  summaryField: 'iallocator',
  objects: () => [theCluster], // the request contains the whole cluster
  locks: () => [clusterShared, { level: 'node', names: ALL, mode: 'shared' }],
  example: { direction: 'in', mode: 'relocate', name: 'web1.example.com' },
});
