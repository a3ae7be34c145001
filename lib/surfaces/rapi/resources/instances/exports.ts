import type { Resource } from '../../resource.ts';
import { submits } from '../../submission.ts';

const how = { items: ['instance_name'], quietDryRun: true } as const;

/** Exports of instances. */
export const instanceExportResources: readonly Resource[] = [
  {
    name: 'instances_name_prepare_export',
    path: '/2/instances/{name}/prepare-export',
    methods: {
      PUT: submits('OP_BACKUP_PREPARE', {
        ...how,
        args: { mode: { kind: 'text', doc: '`local` or `remote`.' } },
      }),
    },
  },
  {
    name: 'instances_name_export',
    path: '/2/instances/{name}/export',
    methods: {
      PUT: submits('OP_BACKUP_EXPORT', { ...how, body: { destination: 'target_node' } }),
      DELETE: submits('OP_BACKUP_REMOVE', { items: how.items }),
    },
  },
];
