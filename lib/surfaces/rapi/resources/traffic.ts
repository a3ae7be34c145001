import * as z from 'zod';
import type { Resource } from '../resource.ts';

/** The use of the API. Ganeti has no such resource. */
export const trafficResources: readonly Resource[] = [
  {
    name: 'traffic',
    path: '/2/traffic',
    methods: {
      GET: {
        access: 'read',
        opcode: null,
        doc: 'Returns the use of the API: the open connections and streams of events, and since the start of the master the connections that were closed or refused because there were too many, the wrong passwords, and the passwords that were refused because of too many wrong ones before.',
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
