import { z } from 'zod';
import { hostNamed } from '../../model/lookup.ts';
import { shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared } from '../locking.ts';

export const instanceConsole = defineOpcode({
  id: 'OP_INSTANCE_CONSOLE',
  summary: 'Tells how the console of a running instance is reached.',
  params: { instance_name: shared.instanceName, instance_uuid: shared.instanceUuid },
  result: z.record(z.string(), z.unknown()),
  summaryField: 'instance_name',
  access: 'read',
  locks: (params, view) => [
    clusterShared,
    {
      level: 'instance',
      names: [hostNamed(view.instances, params.instance_name)?.name ?? params.instance_name.toLowerCase()],
      mode: 'shared',
    },
  ],
  example: { instance_name: 'web1.example.com' },
});
