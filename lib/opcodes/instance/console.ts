import * as z from 'zod';
import { shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';

export const instanceConsole = defineOpcode({
  id: 'OP_INSTANCE_CONSOLE',
  summary: 'Returns how to connect to the console of a running instance.',
  params: { instance_name: shared.instanceName, instance_uuid: shared.instanceUuid },
  result: z.record(z.string(), z.unknown()),
  summaryField: 'instance_name',
  access: 'read',
  locks: () => [], // it only reads, so it waits for no job
  example: { instance_name: 'web1.example.com' },
});
