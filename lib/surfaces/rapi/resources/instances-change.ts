import type { Resource } from '../resource.ts';
import { submits } from '../submission.ts';

const items = ['instance_name'];

/** The changes of an instance itself. */
export const instanceChangeResources: readonly Resource[] = [
  {
    name: 'instances_name_modify',
    path: '/2/instances/{name}/modify',
    methods: {
      PUT: submits('OP_INSTANCE_SET_PARAMS', {
        items,
        body: { custom_beparams: 'beparams', custom_hvparams: 'hvparams' },
        quietDryRun: true,
      }),
    },
  },
];
