import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import type { Job } from '../../../model/job.ts';
import { checkFieldNames } from '../../../query/resources.ts';
import { listJob, showJob } from '../job.ts';
import { changeOf, isChanged, type KnownJob } from '../job-change.ts';
import { bodyObject, type Call, fieldList, item, type Resource } from '../resource.ts';
import { jsonValues } from '../stream.ts';

/** A job as its description shows it, for the docs. */
const job = z.looseObject({
  id: z.number(),
  status: z.string(),
  summary: z.array(z.string()),
  ops: z.array(z.record(z.string(), z.unknown())),
  opstatus: z.array(z.string()),
  opresult: z.array(z.unknown()),
  oplog: z.array(z.array(z.unknown())),
});
/** A job in a listing. */
const listedJob = job.omit({ opresult: true, oplog: true });

/** The jobs. Why a job waits and its explicit archival are resources that Ganeti does not have. */
export const jobResources: readonly Resource[] = [
  {
    name: 'jobs',
    path: '/2/jobs',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Lists all jobs that are not archived: the id and URI of each, or with `bulk=1` all of each except its log and results.',
        args: { bulk: { kind: 'flag', doc: 'Return more of each job than its id and URI.' } },
        answer: z.union([z.array(z.object({ id: z.number(), uri: z.string() })), z.array(listedJob)]),
        handle: list,
      },
    },
  },
  {
    name: 'jobs_id',
    path: '/2/jobs/{id}',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Returns one job with its log and results, archived ones included.',
        answer: job,
        handle: describe,
      },
      DELETE: {
        access: 'write',
        opcode: null,
        doc: 'Cancels a job; returns whether it is or will be canceled, and a message. A running job stops before its next step, and its changes are undone.',
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
        doc: 'Explains why a job waits: the jobs, the filter, the locks and their owners, or the slot that it waits for, with an estimate from the history of similar jobs.',
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
        doc: 'Archives a job that has ended: it is no longer listed, but can still be read.',
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
        doc: 'Waits, for at most ten seconds, until the given fields of a job differ from what the client knows, or its log has grown; returns null when neither happened.',
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
  if (call.query.flag('bulk')) return jsonValues(bulk(call.manager.jobs(call.principal)));
  return jsonValues(uris(await call.manager.jobIds(call.principal)));
}

/** The jobs, read while they are sent: only a portion is in memory, and nothing is read for a client that has disconnected. */
async function* bulk(jobs: AsyncIterable<Job>): AsyncGenerator<unknown> {
  for await (const job of jobs) yield listJob(job);
}

function* uris(ids: readonly number[]): Generator<unknown> {
  for (const id of ids) yield { id, uri: `/2/jobs/${id}` };
}

async function describe(call: Call): Promise<unknown> {
  const job = await call.manager.job(call.principal, jobId(call));
  if (!job) throw new MerapiError('not_found', `There is no job ${item(call)}`);
  return showJob(job);
}

/** Ganeti's form of the answer: a pair of success and message. */
async function cancel(call: Call): Promise<[boolean, string]> {
  const { canceled, text } = await call.manager.cancelJob(call.principal, jobId(call));
  return [canceled, text];
}

/**
 * Returns as soon as one of the given fields differs from what the client knows or the log has grown; null after a time or when the
 * client disconnects.
 */
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

/** The id in the path. @throws MerapiError not_found for a number too large for any job */
function jobId(call: Call): number {
  const id = Number(item(call));
  if (!Number.isSafeInteger(id)) throw new MerapiError('not_found', `There is no job ${item(call)}`);
  return id;
}

/** @throws MerapiError wrong_input */
function knownInfo(info: Json): Json[] | null {
  if (info === null || Array.isArray(info)) return info;
  throw new MerapiError('wrong_input', "'previous_job_info' must be null or a list");
}

/** @throws MerapiError wrong_input */
function knownSerial(serial: Json): number | null {
  if (serial === null || (typeof serial === 'number' && Number.isInteger(serial))) return serial;
  throw new MerapiError('wrong_input', "'previous_log_serial' must be null or an integer");
}
