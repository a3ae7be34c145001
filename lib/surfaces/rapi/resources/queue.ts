import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { bodyAs, type Call, type Resource } from '../resource.ts';

/** The body of PUT: only the given settings are changed. */
const settings = z.strictObject({
  drained: z.boolean().optional().describe('Whether the queue refuses new jobs.'),
  archive_after: z
    .number()
    .int()
    .min(0)
    .nullable()
    .optional()
    .describe('How many seconds after their end jobs are archived automatically; null: never.'),
});

/** The response of GET and PUT: QueueState of lib/jobs/settings.ts. */
const state = z.object({
  drained: z.boolean(),
  archive_after: z.number().nullable(),
  max_running_jobs: z.number(),
  running: z.number(),
  unfinished: z.number(),
  trouble: z.string().nullable(),
});

/** The job queue itself. Ganeti has no such resources. */
export const queueResources: readonly Resource[] = [
  {
    name: 'queue',
    path: '/2/queue',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Returns the state and the settings of the job queue: how many jobs run, how many may run, how many have not ended, and in `trouble` why nothing can be changed, if so.',
        answer: state,
        handle: (call) => call.manager.queueState(call.principal),
      },
      PUT: {
        access: 'write',
        opcode: null,
        doc: 'Changes the given settings of the job queue, and returns the same as GET. A drained queue refuses new jobs with 503; the jobs in it continue.',
        body: settings,
        answer: state,
        example: { items: [], body: { drained: true } },
        handle: set,
      },
    },
  },
  {
    name: 'queue_archive',
    path: '/2/queue/archive',
    methods: {
      PUT: {
        access: 'write',
        opcode: null,
        doc: 'Archives all jobs that ended at least `age` seconds ago, and returns how many.',
        args: {
          age: { kind: 'text', doc: 'Seconds since their end; by default 0: all jobs that have ended.' },
        },
        answer: z.number(),
        handle: (call) => call.manager.archiveJobs(call.principal, ageOf(call)),
      },
    },
  },
];

/** Changes the settings, and returns the new state. */
async function set(call: Call): Promise<unknown> {
  await call.manager.setQueue(call.principal, bodyAs(call, settings));
  return call.manager.queueState(call.principal);
}

/** The argument `age` in seconds. @throws MerapiError wrong_input */
function ageOf({ query }: Call): number {
  const text = query.text('age') ?? '0';
  if (!/^[0-9]{1,12}$/.test(text))
    throw new MerapiError('wrong_input', `Argument 'age' must be a number of seconds, not '${text}'`);
  return Number(text);
}
