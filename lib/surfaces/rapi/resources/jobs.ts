import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import { showJob } from '../../../views/job.ts';
import { bodyObject, type Call, item, type Resource } from '../resource.ts';

export const jobResources: readonly Resource[] = [
  {
    name: 'jobs',
    path: '/2/jobs',
    methods: { GET: { access: 'look', opcode: null, handle: list } },
  },
  {
    name: 'jobs_id',
    path: '/2/jobs/{id}',
    methods: {
      GET: { access: 'look', opcode: null, handle: describe },
      DELETE: {
        access: 'write',
        opcode: null,
        handle: (call) => call.manager.cancelJob(call.principal, jobId(call)),
      },
    },
  },
  {
    name: 'jobs_id_wait',
    path: '/2/jobs/{id}/wait',
    methods: { GET: { access: 'write', opcode: null, handle: wait } },
  },
];

async function list(call: Call): Promise<unknown> {
  const ids = await call.manager.jobIds(call.principal);
  if (!call.query.flag('bulk')) return ids.map((id) => ({ id, uri: `/2/jobs/${id}` }));
  const jobs = await Promise.all(ids.map((id) => call.manager.job(call.principal, id)));
  return jobs.flatMap((job) => (job ? [showJob(job)] : []));
}

async function describe(call: Call): Promise<unknown> {
  const job = await call.manager.job(call.principal, jobId(call));
  if (!job) throw new MerapiError('not_found', `There is no job ${item(call)}`);
  return showJob(job);
}

/** Answers as soon as a wanted field differs from what the client knows or the log has grown; null when nothing happens. */
function wait(call: Call): Promise<unknown> {
  const body = bodyObject(call);
  return call.manager.waitForJob(
    call.principal,
    jobId(call),
    wantedFields(body.fields),
    knownInfo(body.previous_job_info ?? null),
    knownSerial(body.previous_log_serial ?? null),
    call.waitTimeout,
    call.signal,
  );
}

/** The id in the path. @throws MerapiError not_found for one that is too big for any job. */
function jobId(call: Call): number {
  const id = Number(item(call));
  if (!Number.isSafeInteger(id)) throw new MerapiError('not_found', `There is no job ${item(call)}`);
  return id;
}

function wantedFields(fields: Json | undefined): string[] {
  if (Array.isArray(fields) && fields.every((field) => typeof field === 'string')) return fields as string[];
  throw new MerapiError('bad_request', "The body must have 'fields', a list of names of job fields");
}

function knownInfo(info: Json): Json[] | null {
  if (info === null || Array.isArray(info)) return info;
  throw new MerapiError('bad_request', "'previous_job_info' must be null or a list");
}

function knownSerial(serial: Json): number | null {
  if (serial === null || (typeof serial === 'number' && Number.isInteger(serial))) return serial;
  throw new MerapiError('bad_request', "'previous_log_serial' must be null or an integer");
}
