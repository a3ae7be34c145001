import type { Resource } from '../../resource.ts';
import { submits } from '../../submission.ts';

const submission = { items: ['instance_name'], optionalDryRun: true } as const;

/** Exports of one instance. */
export const instanceExportResources: readonly Resource[] = [
  {
    name: 'instances_name_prepare_export',
    path: '/2/instances/{name}/prepare-export',
    methods: {
      PUT: submits('OP_BACKUP_PREPARE', {
        ...submission,
        args: { mode: { kind: 'text', doc: '`local` or `remote`.' } },
      }),
    },
  },
  {
    name: 'instances_name_export',
    path: '/2/instances/{name}/export',
    methods: {
      PUT: submits('OP_BACKUP_EXPORT', { ...submission, body: { destination: 'target_node' } }),
      DELETE: submits('OP_BACKUP_REMOVE', { items: submission.items }),
    },
  },
];
