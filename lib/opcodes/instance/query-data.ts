import { z } from 'zod';
import { ALL } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared } from '../locking.ts';

export const instanceQueryData = defineOpcode({
  id: 'OP_INSTANCE_QUERY_DATA',
  summary:
    'Tells all about instances: parameters, disks and NICs, with the state on their nodes unless `static`.',
  params: {
    use_locking: optional(kinds.bool, false, 'Wait for jobs that change the instances.'),
    instances: optional(kinds.names, [], 'Their names; all instances when it is empty.'),
    static: optional(kinds.bool, false, 'Do not ask the nodes.'),
  },
  result: z.record(z.string(), z.record(z.string(), z.unknown())),
  summaryField: null,
  access: 'look',
  locks: (params, view) => {
    if (!params.use_locking) return [clusterShared];
    const names = params.instances.map((name) => hostNamed(view.instances, name)?.name ?? name.toLowerCase());
    return [clusterShared, { level: 'instance', names: names.length > 0 ? names : ALL, mode: 'shared' }];
  },
  example: { instances: ['web1.example.com'] },
});
