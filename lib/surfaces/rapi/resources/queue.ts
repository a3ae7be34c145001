import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { bodyAs, type Call, type Resource } from '../resource.ts';

const settings = z.strictObject({
  drained: z.boolean().optional().describe('Whether no more jobs are taken.'),
  archive_after: z
    .number()
    .int()
    .min(0)
    .nullable()
    .optional()
    .describe('How many seconds after their end jobs are archived by themselves; null: never.'),
});

const state = z.object({
  drained: z.boolean(),
  archive_after: z.number().nullable(),
  max_running_jobs: z.number(),
  running: z.number(),
  unfinished: z.number(),
  trouble: z.string().nullable(),
});

/** The job queue itself; Ganeti has no resources for it. */
export const queueResources: readonly Resource[] = [
  {
    name: 'queue',
    path: '/2/queue',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'What the job queue does and is set to: how many jobs run, how many may, how many have not ended, and why nothing can be changed if that is so (`trouble`).',
        answer: state,
        handle: (call) => call.manager.queueState(call.principal),
      },
      PUT: {
        access: 'write',
        opcode: null,
        doc: 'Sets what is given of the job queue, and answers as GET does. A drained queue refuses new jobs with 503; those that it has go on.',
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
        doc: 'Archives all jobs that ended at least so many seconds ago; answers how many.',
        args: { age: { kind: 'text', doc: 'Seconds since their end; by default 0: all that have ended.' } },
        answer: z.number(),
        handle: (call) => call.manager.archiveJobs(call.principal, ageOf(call)),
      },
    },
  },
];

async function set(call: Call): Promise<unknown> {
  await call.manager.setQueue(call.principal, bodyAs(call, settings));
  return call.manager.queueState(call.principal);
}

function ageOf({ query }: Call): number {
  const text = query.text('age') ?? '0';
  if (!/^[0-9]{1,12}$/.test(text))
    throw new MerapiError('wrong_input', `Argument 'age' must be a number of seconds, not '${text}'`);
  return Number(text);
}
