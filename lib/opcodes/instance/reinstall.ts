import * as z from 'zod';
import { kinds, maybe, optional, secret, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceReinstall = defineOpcode({
  id: 'OP_INSTANCE_REINSTALL',
  summary: 'Reinstalls the OS of an instance that does not run, or installs another one.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    force_variant: optional(kinds.bool, false, 'Accept an OS variant that the definition does not list.'),
    os_type: optional(maybe(kinds.name), null, 'The OS; by default the current one.'),
    osparams: optional(maybe(kinds.osParams), null, 'OS parameters, which replace the current ones.'),
    osparams_private: secret(
      optional(maybe(kinds.privateDict), null, 'Private OS parameters, which replace the current ones.'),
    ),
    osparams_secret: secret(
      optional(maybe(kinds.privateDict), null, 'Secret OS parameters, for this installation only.'),
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com', os_type: 'debian' },
});
