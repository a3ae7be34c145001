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
    force_variant: optional(kinds.bool, false, 'Accept a variant that the OS does not name.'),
    os_type: optional(maybe(kinds.name), null, 'The OS; by default the one that it has.'),
    osparams: optional(maybe(kinds.osParams), null, 'OS parameters, in the place of those that it has.'),
    osparams_private: secret(
      optional(maybe(kinds.privateDict), null, 'Private OS parameters, in the place of those that it has.'),
    ),
    osparams_secret: secret(optional(maybe(kinds.privateDict), null, 'Secret OS parameters for this time.')),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com', os_type: 'debian' },
});
