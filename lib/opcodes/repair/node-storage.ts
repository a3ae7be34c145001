import * as z from 'zod';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeLock, nodeTarget } from '../locking.ts';
import { storageTypeKind } from '../storage-kind.ts';

export const repairNodeStorage = defineOpcode({
  id: 'OP_REPAIR_NODE_STORAGE',
  summary: 'Repairs a volume group of a node that lost a physical volume.',
  params: {
    ...nodeTarget,
    storage_type: required(storageTypeKind, 'The storage type; only lvm-vg can be repaired.'),
    name: optional(maybe(kinds.name), null, 'The name of the unit.'),
    ignore_consistency: optional(
      kinds.bool,
      false,
      'Do it even when mirrored disks of the node have no up-to-date copy on another node.',
    ),
  },
  result: z.null(),
  summaryField: 'node_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'node', names: [nodeLock(view, params.node_name)], mode: 'exclusive' },
  ],
  example: { node_name: 'node3.example.com', storage_type: 'lvm-vg', name: 'xenvg' },
});
