import * as z from 'zod';
import type { Resource } from '../resource.ts';

/** The use of the API; Ganeti has no resource for it. */
export const trafficResources: readonly Resource[] = [
  {
    name: 'traffic',
    path: '/2/traffic',
    methods: {
      GET: {
        access: 'read',
        opcode: null,
        doc: 'Who uses the API: the connections and streams of events that are open, and since the start of the master the connections that were closed or refused because there were too many, the wrong passwords, and the passwords that were not looked at because of wrong ones before.',
        answer: z.object({
          connections: z.number(),
          connections_turned_away: z.number(),
          streams: z.number(),
          wrong_passwords: z.number(),
          refused_passwords: z.number(),
        }),
        handle: (call) => call.traffic(),
      },
    },
  },
];
