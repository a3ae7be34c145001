import * as z from 'zod';
import { defineCall } from '../define.ts';

export const networkBridges = defineCall({
  name: 'network.bridges',
  summary:
    'Returns which of the named bridges the node does not have. A node with simulated guests has every bridge.',
  params: z.strictObject({ bridges: z.array(z.string()) }),
  result: z.object({ missing: z.array(z.string()) }),
  mutates: false,
  timeout: 10_000,
});
