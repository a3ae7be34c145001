import * as z from 'zod';
import { kinds, optional, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan, newNameLock } from '../locking.ts';

export const instanceRename = defineOpcode({
  id: 'OP_INSTANCE_RENAME',
  summary: 'Renames an instance that does not run.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    new_name: required(kinds.name, 'Its new name.'),
    name_check: optional(kinds.bool, true, 'Accepted for old clients; names are not resolved.'),
    ip_check: optional(kinds.bool, true, 'Accepted for old clients; addresses are not probed.'),
  },
  result: z.string().min(1),
  summaryField: null,
  // The instance under both names, so that no other job creates an instance with the new one.
  locks: (params, view) =>
    instancePlan(view, params.instance_name, 'shared').map((wish) =>
      wish.level === 'instance'
        ? { ...wish, names: [...new Set([...wish.names, newNameLock(params.new_name)])] }
        : wish,
    ),
  example: { instance_name: 'web1.example.com', new_name: 'web2.example.com' },
});
