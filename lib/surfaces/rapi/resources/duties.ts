import * as z from 'zod';
import type { ShownDuty } from '../../../manager/define.ts';
import { item, type Resource } from '../resource.ts';

/** A duty in the response, for the docs. `about` is the object of the calls; times are seconds since 1970. */
const duty = z.object({
  uuid: z.string(),
  node: z.string().describe('The name of the node, or its uuid when it is no longer in the cluster.'),
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

/** For the example request. */
const sampleUuid = '309e3407-e4be-4e07-9b7f-30b6d10e241f';

/** Duties: calls that jobs could not make on nodes and that are retried (lib/model/duty.ts). Ganeti has no such resource. */
export const dutyResources: readonly Resource[] = [
  {
    name: 'duties',
    path: '/2/duties',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Lists the calls that jobs could not make on nodes and that are retried until they succeed: the calls, their object, why they failed, and when the next try is.',
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
        doc: 'Gives up a duty: it is not retried, and its object stays as it is.',
        args: { reason: { kind: 'text', doc: 'The reason, for the log of the master.' } },
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

/** A duty as the API shows it: without its locks, and only the names of its calls. */
function shown(shownDuty: ShownDuty): z.infer<typeof duty> {
  const { uuid, calls, about, job, opcode, step, reason, created, tries, next_try, last_error } = shownDuty;
  return {
    uuid,
    node: shownDuty.node_name ?? shownDuty.node,
    calls: calls.map(({ call }) => call),
    about,
    job,
    opcode,
    step,
    reason,
    created,
    tries,
    next_try,
    last_error,
  };
}
