import type { Resource } from '../../resource.ts';
import { submits } from '../../submission.ts';

/** Moves of one instance between nodes and node groups. */
export const instanceMoveResources: readonly Resource[] = [
  {
    name: 'instances_name_migrate',
    path: '/2/instances/{name}/migrate',
    methods: { PUT: submits('OP_INSTANCE_MIGRATE', { items: ['instance_name'], optionalDryRun: true }) },
  },
  {
    name: 'instances_name_failover',
    path: '/2/instances/{name}/failover',
    methods: { PUT: submits('OP_INSTANCE_FAILOVER', { items: ['instance_name'], optionalDryRun: true }) },
  },
  {
    name: 'instances_name_move',
    path: '/2/instances/{name}/move',
    methods: { PUT: submits('OP_INSTANCE_MOVE', { items: ['instance_name'] }) },
  },
  {
    name: 'instances_name_change_group',
    path: '/2/instances/{name}/change-group',
    methods: { PUT: submits('OP_INSTANCE_CHANGE_GROUP', { items: ['instance_name'] }) },
  },
];
