import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeLock } from '../locking.ts';
import { namedBy, orAllOf } from '../objects.ts';
import { storageTypeKind } from '../storage-kind.ts';

export const nodeQueryStorage = defineOpcode({
  id: 'OP_NODE_QUERY_STORAGE',
  summary: 'Lists the storage units of nodes: folders for disks, volume groups, physical volumes.',
  params: {
    output_fields: required(
      kinds.names,
      'The fields of each unit: node, type, name, size, used, free, allocatable.',
    ),
    storage_type: optional(
      maybe(storageTypeKind),
      null,
      "The storage type; by default that of the cluster's first disk template.",
    ),
    nodes: optional(kinds.names, [], 'The nodes; by default all.'),
    name: optional(maybe(kinds.name), null, 'Only the unit of this name.'),
  },
  result: z.array(z.array(z.unknown())),
  summaryField: null,
  objects: (params, view) => orAllOf('node', namedBy(params, view)),
  locks: (params, view) => [
    clusterShared,
    {
      level: 'node',
      names: params.nodes.length === 0 ? ALL : params.nodes.map((name) => nodeLock(view, name)),
      mode: 'shared',
    },
  ],
  example: { nodes: ['node3.example.com'], storage_type: 'file', output_fields: ['name', 'free'] },
});
