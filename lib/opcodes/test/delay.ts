import * as z from 'zod';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared } from '../locking.ts';

export const testDelay = defineOpcode({
  id: 'OP_TEST_DELAY',
  summary: 'Waits, on the master, on nodes, or both.',
  params: {
    duration: required(kinds.float, 'Seconds.'),
    on_master: optional(kinds.bool, true, 'Wait on the master.'),
    on_nodes: optional(kinds.names, [], 'Wait on these nodes.'),
    on_node_uuids: optional(maybe(kinds.names), null, 'Wait on these nodes, by uuid.'),
    repeat: optional(kinds.count, 0, 'How often it is repeated.'),
    interruptible: optional(kinds.bool, false, 'Whether a cancel may end the wait early.'),
    no_locks: optional(kinds.bool, true, 'Do not lock the nodes.'),
  },
  result: z.null(),
  summaryField: 'duration',
  locks: (params, view) => {
    const named = params.on_nodes.map((name) => hostNamed(view.nodes, name));
    const nodes = [...named, ...(params.on_node_uuids ?? []).map((uuid) => view.nodes.get(uuid))];
    const names = nodes.flatMap((node) => node?.name ?? []); // the check refuses nodes that do not exist
    return params.no_locks || names.length === 0
      ? [clusterShared]
      : [clusterShared, { level: 'node', names, mode: 'exclusive' }];
  },
  example: { duration: 0.5 },
});
