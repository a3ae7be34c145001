import * as z from 'zod';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeLock, nodeTarget } from '../locking.ts';
import { storageTypeKind } from '../storage-kind.ts';

export const nodeModifyStorage = defineOpcode({
  id: 'OP_NODE_MODIFY_STORAGE',
  summary: 'Changes a storage unit of a node: whether new volumes may be allocated on a physical volume.',
  params: {
    ...nodeTarget,
    storage_type: required(storageTypeKind, 'The storage type.'),
    name: optional(maybe(kinds.name), null, 'The name of the unit.'),
    changes: required(kinds.dict, 'The new values; only allocatable of lvm-pv can be changed.'),
  },
  result: z.null(),
  summaryField: 'node_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'node', names: [nodeLock(view, params.node_name)], mode: 'exclusive' },
  ],
  example: {
    node_name: 'node3.example.com',
    storage_type: 'lvm-pv',
    name: '/dev/vdb',
    changes: { allocatable: false },
  },
});
