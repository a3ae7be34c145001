import * as z from 'zod';
import { kinds, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { namedBy, orAllOf } from '../objects.ts';

export const instanceQueryData = defineOpcode({
  id: 'OP_INSTANCE_QUERY_DATA',
  summary:
    'Returns everything about instances: parameters, disks and NICs, with the state on their nodes unless `static`.',
  params: {
    use_locking: optional(kinds.bool, false, 'Accepted for old clients; reads never wait for jobs.'),
    instances: optional(kinds.names, [], 'Their names; all instances when it is empty.'),
    static: optional(kinds.bool, false, 'Do not ask the nodes.'),
  },
  result: z.record(z.string(), z.record(z.string(), z.unknown())),
  summaryField: null,
  access: 'look',
  objects: (params, view) => orAllOf('instance', namedBy(params, view)),
  locks: () => [], // it only reads, so it waits for no job
  example: { instances: ['web1.example.com'] },
});
