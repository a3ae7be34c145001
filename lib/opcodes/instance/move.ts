import * as z from 'zod';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, optional, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan, nodeLock } from '../locking.ts';

export const instanceMove = defineOpcode({
  id: 'OP_INSTANCE_MOVE',
  summary: 'Moves an instance to another node by copying its disks; it is shut down meanwhile.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    shutdown_timeout: shared.shutdownTimeout,
    ignore_ipolicy: optional(kinds.bool, false, 'Do it even when this violates the instance policy.'),
    target_node: required(kinds.name, 'The new node.'),
    target_node_uuid: optional(maybe(kinds.name), null, 'The new node by uuid; filled in.'),
    compress: optional(kinds.text, 'none', 'How the data is compressed during the transfer: none or gzip.'),
    ignore_consistency: optional(kinds.bool, false, 'Do it even when the instance cannot be shut down.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  // The instance, its primary node and the new node.
  locks: (params, view) => {
    const plan = instancePlan(view, params.instance_name, null);
    const primary = hostNamed(view.instances, params.instance_name)?.primary_node;
    const nodes = [
      primary === undefined ? undefined : view.nodes.get(primary)?.name,
      nodeLock(view, params.target_node),
    ];
    return [
      ...plan,
      { level: 'node', names: [...new Set(nodes.filter((name) => name !== undefined))], mode: 'exclusive' },
    ];
  },
  example: { instance_name: 'web1.example.com', target_node: 'node2.example.com' },
});
