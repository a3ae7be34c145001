import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import type { Job } from '../../../model/job.ts';
import { checkFieldNames } from '../../../query/resources.ts';
import { listJob, showJob } from '../job.ts';
import { changeOf, isChanged, type KnownJob } from '../job-change.ts';
import { bodyObject, type Call, fieldList, item, type Resource } from '../resource.ts';
import { jsonValues } from '../stream.ts';

const job = z.looseObject({
  id: z.number(),
  status: z.string(),
  summary: z.array(z.string()),
  ops: z.array(z.record(z.string(), z.unknown())),
  opstatus: z.array(z.string()),
  opresult: z.array(z.unknown()),
  oplog: z.array(z.array(z.unknown())),
});
/** A job as a listing has it. */
const listedJob = job.omit({ opresult: true, oplog: true });

export const jobResources: readonly Resource[] = [
  {
    name: 'jobs',
    path: '/2/jobs',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'All jobs that are not archived: the id and address of each, or with `bulk=1` all about each but its log and result.',
        args: { bulk: { kind: 'flag', doc: 'Tell more about each than its id.' } },
        answer: z.union([z.array(z.object({ id: z.number(), uri: z.string() })), z.array(listedJob)]),
        handle: list,
      },
    },
  },
  {
    name: 'jobs_id',
    path: '/2/jobs/{id}',
    methods: {
      GET: { access: 'look', opcode: null, doc: 'All about one job.', answer: job, handle: describe },
      DELETE: {
        access: 'write',
        opcode: null,
        doc: 'Cancels a job: whether it is cancelled or will be, and words for it. One that runs stops before its next step, and what it has done is undone.',
        answer: z.tuple([z.boolean(), z.string()]),
        handle: cancel,
      },
    },
  },
  {
    name: 'jobs_id_why',
    path: '/2/jobs/{id}/why',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Why a job waits: the jobs, the filter, the locks with who has them, or the slot that it lacks, and an estimate from the history of like jobs.',
        answer: z.looseObject({ job: z.number(), status: z.string(), text: z.string() }),
        handle: async (call) => {
          const why = await call.manager.whyJob(call.principal, jobId(call));
          if (!why) throw new MerapiError('not_found', `There is no job ${item(call)}`);
          return why;
        },
      },
    },
  },
  {
    name: 'jobs_id_archive',
    path: '/2/jobs/{id}/archive',
    methods: {
      PUT: {
        access: 'write',
        opcode: null,
        doc: 'Archives a job that has ended: it is listed no more, but can still be read.',
        answer: z.null(),
        handle: async (call) => {
          await call.manager.archiveJob(call.principal, jobId(call));
          return null;
        },
      },
    },
  },
  {
    name: 'jobs_id_wait',
    path: '/2/jobs/{id}/wait',
    methods: {
      GET: {
        access: 'write',
        opcode: null,
        doc: 'Waits, for ten seconds at most, until wanted fields of a job differ from what the client knows or its log has grown; null when nothing happened.',
        body: z.object({
          fields: z.array(z.string()),
          previous_job_info: z.array(z.unknown()).nullable().optional(),
          previous_log_serial: z.number().int().nullable().optional(),
        }),
        answer: z.object({ job_info: z.array(z.unknown()), log_entries: z.array(z.unknown()) }).nullable(),
        example: {
          items: ['7'],
          body: { fields: ['status'], previous_job_info: null, previous_log_serial: 0 },
        },
        handle: wait,
      },
    },
  },
];

async function list(call: Call): Promise<unknown> {
  if (call.query.flag('bulk')) return jsonValues(listed(call.manager.jobs(call.principal)));
  return jsonValues(addresses(await call.manager.jobIds(call.principal)));
}

/** The jobs as they are taken: of a long list only a portion is in memory, and nothing is read for a client that has gone. */
async function* listed(jobs: AsyncIterable<Job>): AsyncGenerator<unknown> {
  for await (const job of jobs) yield listJob(job);
}

function* addresses(ids: readonly number[]): Generator<unknown> {
  for (const id of ids) yield { id, uri: `/2/jobs/${id}` };
}

async function describe(call: Call): Promise<unknown> {
  const job = await call.manager.job(call.principal, jobId(call));
  if (!job) throw new MerapiError('not_found', `There is no job ${item(call)}`);
  return showJob(job);
}

async function cancel(call: Call): Promise<[boolean, string]> {
  const { canceled, text } = await call.manager.cancelJob(call.principal, jobId(call));
  return [canceled, text];
}

/** Answers as soon as a wanted field differs from what the client knows or the log has grown; null when nothing happens. */
async function wait(call: Call): Promise<unknown> {
  const body = bodyObject(call);
  const known: KnownJob = {
    fields: fieldList(body.fields),
    info: knownInfo(body.previous_job_info ?? null),
    serial: knownSerial(body.previous_log_serial ?? null) ?? 0,
  };
  checkFieldNames(known.fields);
  const job = await call.manager.waitForJob(call.principal, jobId(call), {
    isNews: (job) => isChanged(job, known),
    timeout: call.waitTimeout,
    signal: call.signal(),
  });
  return job && changeOf(job, known);
}

/** The id in the path. @throws MerapiError not_found for one that is too big for any job. */
function jobId(call: Call): number {
  const id = Number(item(call));
  if (!Number.isSafeInteger(id)) throw new MerapiError('not_found', `There is no job ${item(call)}`);
  return id;
}

function knownInfo(info: Json): Json[] | null {
  if (info === null || Array.isArray(info)) return info;
  throw new MerapiError('wrong_input', "'previous_job_info' must be null or a list");
}

function knownSerial(serial: Json): number | null {
  if (serial === null || (typeof serial === 'number' && Number.isInteger(serial))) return serial;
  throw new MerapiError('wrong_input', "'previous_log_serial' must be null or an integer");
}
