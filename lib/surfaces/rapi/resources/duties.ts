import * as z from 'zod';
import type { ShownDuty } from '../../../manager/define.ts';
import { item, type Resource } from '../resource.ts';

const duty = z.object({
  uuid: z.string(),
  node: z.string().describe('The name of the node, or its uuid when it is not of the cluster any more.'),
  calls: z.array(z.string()),
  about: z.string(),
  job: z.number(),
  opcode: z.string(),
  step: z.string(),
  reason: z.string(),
  created: z.number(),
  tries: z.number(),
  next_try: z.number(),
  last_error: z.string().nullable(),
});

const sampleUuid = '309e3407-e4be-4e07-9b7f-30b6d10e241f';

/** What jobs left to be done on nodes; Ganeti has no resource for it. */
export const dutyResources: readonly Resource[] = [
  {
    name: 'duties',
    path: '/2/duties',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'What jobs could not do on nodes and what is tried again until it is done: the calls, what they are about, why they were not done, and when they are tried next.',
        answer: z.array(duty),
        handle: (call) => call.manager.duties(call.principal).map(shown),
      },
    },
  },
  {
    name: 'duties_uuid',
    path: '/2/duties/{name}',
    methods: {
      DELETE: {
        access: 'write',
        opcode: null,
        doc: 'Gives a duty up: it is tried no more, and what it was about stays as it is.',
        args: { reason: { kind: 'text', doc: 'Why; stands in the log of the master.' } },
        answer: z.null(),
        example: { items: [sampleUuid] },
        handle: async (call) => {
          await call.manager.giveUpDuty(call.principal, item(call), call.query.text('reason') ?? '');
          return null;
        },
      },
    },
  },
];

function shown(given: ShownDuty): z.infer<typeof duty> {
  const { uuid, calls, about, job, opcode, step, reason, created, tries, next_try, last_error } = given;
  return {
    ...{ uuid, node: given.node_name ?? given.node, calls: calls.map(({ call }) => call), about },
    ...{ job, opcode, step, reason, created, tries, next_try, last_error },
  };
}
