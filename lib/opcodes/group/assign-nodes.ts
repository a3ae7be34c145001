import * as z from 'zod';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, groupLock } from '../locking.ts';

export const groupAssignNodes = defineOpcode({
  id: 'OP_GROUP_ASSIGN_NODES',
  summary: 'Moves nodes to another node group.',
  params: {
    group_name: required(kinds.name, 'The name of the group.'),
    force: optional(kinds.bool, false, 'Do it even when this leaves instances with disks in two groups.'),
    nodes: required(kinds.names, 'The nodes.'),
    node_uuids: optional(maybe(kinds.names), null, 'The nodes by uuid; filled in.'),
  },
  result: z.null(),
  summaryField: 'group_name',
  // The nodes, their present groups, and the new group.
  locks: (params, view) => {
    const nodes = params.nodes.map((name) => hostNamed(view.nodes, name));
    const groups = nodes.flatMap((node) => (node && view.groups.get(node.group)?.name) ?? []);
    const names = nodes.flatMap((node) => node?.name ?? []); // the check refuses nodes that do not exist
    return [
      clusterShared,
      {
        level: 'nodegroup',
        names: [...new Set([groupLock(view, params.group_name), ...groups])],
        mode: 'exclusive',
      },
      ...(names.length > 0 ? [{ level: 'node' as const, names, mode: 'exclusive' as const }] : []),
    ];
  },
  example: { group_name: 'rack2', nodes: ['node3.example.com'] },
});
