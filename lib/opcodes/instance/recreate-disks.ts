import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { type Kind, kinds, maybe, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { diskKind } from '../kinds.ts';
import { instancePlan } from '../locking.ts';

const index = z.number().int().min(0);

/** The numbers of disks, or pairs of a number and new parameters. */
const wantedKind: Kind<z.ZodType<(number | [number, Record<string, string | number>])[]>> = {
  type: `(List of EqualOrGreaterThanZero) or (List of ((Length 2) and (Item 0 is (EqualOrGreaterThanZero [Disk index]), item 1 is (${diskKind.type} [Parameters]))))`,
  schema: z.union([z.array(index), z.array(z.tuple([index, diskKind.schema]))]),
};

export const instanceRecreateDisks = defineOpcode({
  id: 'OP_INSTANCE_RECREATE_DISKS',
  summary: 'Recreates lost disks, empty, on the same nodes or on others.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    disks: optional(
      wantedKind,
      [],
      'The disks by number, alone or with new parameters; an empty list means all.',
    ),
    nodes: optional(
      kinds.names,
      [],
      'The nodes on which they are created; by default those of the instance.',
    ),
    node_uuids: optional(maybe(kinds.names), null, 'Those nodes, by uuid; filled in.'),
    iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses other nodes.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  // The instance with its old and new nodes; all nodes if the allocator must choose new ones.
  locks: (params, view) => {
    const plan = instancePlan(view, params.instance_name, 'exclusive');
    const others = plan.filter(({ level }) => level !== 'node');
    if (params.iallocator !== null) return [...others, { level: 'node', names: ALL, mode: 'exclusive' }];
    const old = plan.flatMap(({ level, names }) => (level === 'node' ? [...names] : []));
    const asked = params.nodes.map((name) => hostNamed(view.nodes, name)?.name ?? name.toLowerCase());
    return [...others, { level: 'node', names: [...new Set([...old, ...asked])], mode: 'exclusive' }];
  },
  example: { instance_name: 'web1.example.com', disks: [0] },
});
