import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { type Kind, kinds, maybe, oneOf, optional, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { diskIndexKind } from '../kinds.ts';
import { instancePlan } from '../locking.ts';

const modes = [
  'replace_on_primary',
  'replace_on_secondary',
  'replace_new_secondary',
  'replace_auto',
] as const;

const indexesKind: Kind<z.ZodArray<z.ZodNumber>> = {
  type: `List of (${diskIndexKind.type})`,
  schema: z.array(diskIndexKind.schema),
};

export const instanceReplaceDisks = defineOpcode({
  id: 'OP_INSTANCE_REPLACE_DISKS',
  summary: 'Rebuilds one side of mirrored disks, on its node or on another one.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    early_release: optional(
      kinds.bool,
      false,
      'Remove the old side before the new one is in sync, which frees its node sooner.',
    ),
    ignore_ipolicy: optional(kinds.bool, false, 'Do it even when this violates the instance policy.'),
    mode: required(
      oneOf(modes),
      'Which side: that of the primary or secondary node, or the secondary one on a new node; `replace_auto` finds the side that is broken.',
    ),
    disks: optional(indexesKind, [], 'The disks by number; an empty list means all.'),
    remote_node: optional(maybe(kinds.name), null, 'The new secondary node.'),
    remote_node_uuid: optional(maybe(kinds.name), null, 'The new secondary node, by uuid; filled in.'),
    iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the new secondary node.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  // The instance with its old and new nodes; all nodes if the allocator must choose the new secondary node.
  locks: (params, view) => {
    const plan = instancePlan(view, params.instance_name, 'exclusive');
    const others = plan.filter(({ level }) => level !== 'node');
    if (params.mode === 'replace_new_secondary' && params.remote_node === null)
      return [...others, { level: 'node', names: ALL, mode: 'exclusive' }];
    const old = plan.flatMap(({ level, names }) => (level === 'node' ? [...names] : []));
    const asked = params.remote_node ?? '';
    const added = asked === '' ? [] : [hostNamed(view.nodes, asked)?.name ?? asked.toLowerCase()];
    return [...others, { level: 'node', names: [...new Set([...old, ...added])], mode: 'exclusive' }];
  },
  example: { instance_name: 'web1.example.com', mode: 'replace_on_secondary' },
});
