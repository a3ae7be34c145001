import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { type Kind, kinds, maybe, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { jobsResult } from '../kinds.ts';
import { clusterShared } from '../locking.ts';
import { allOf, namedBy } from '../objects.ts';

const isEmpty = (value: unknown) => Object.keys(Object(value)).length === 0;

/** Requests of OP_INSTANCE_CREATE. They may have no secrets, since only secrets in an opcode's own parameters are stored apart. */
const requests: Kind<z.ZodArray<z.ZodUnknown>> = {
  type: 'List of Anything',
  words: 'a list of requests of OP_INSTANCE_CREATE without osparams_private and osparams_secret',
  schema: z.array(z.unknown()).refine((list) =>
    list.every((each) => {
      const { osparams_private, osparams_secret } = Object(each) as Record<string, unknown>;
      return isEmpty(osparams_private) && isEmpty(osparams_secret);
    }),
  ),
};

export const instanceMultiAlloc = defineOpcode({
  id: 'OP_INSTANCE_MULTI_ALLOC',
  summary: 'Chooses nodes for several new instances together, and submits a job for each that fits.',
  params: {
    opportunistic_locking: optional(kinds.bool, false, 'Accepted for old clients; it changes nothing.'),
    iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the nodes.'),
    instances: optional(
      requests,
      [],
      'The parameters of OP_INSTANCE_CREATE for each, without private and secret OS parameters.',
    ),
  },
  result: z.object({
    jobs: jobsResult,
    allocatable: z.array(z.string().min(1)),
    failed: z.array(z.string().min(1)),
  }),
  summaryField: null,
  // Besides new instances also the objects that the requests inside name, such as nodes and networks.
  objects: ({ instances }, view) => [
    allOf('instance'),
    ...[instances].flat().flatMap((each) => namedBy(Object(each), view, 'instance')),
  ],
  // Shared: the opcode only chooses nodes; the jobs that it submits lock what they change.
  locks: () => [clusterShared, { level: 'node', names: ALL, mode: 'shared' }],
  example: {
    iallocator: 'hail',
    instances: [
      { instance_name: 'web1.example.com', mode: 'create', disk_template: 'diskless', disks: [], nics: [{}] },
    ],
  },
});
