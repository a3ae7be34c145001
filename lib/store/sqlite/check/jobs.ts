import type Database from 'better-sqlite3';
import type { JobStatus } from '../../../model/job.ts';
import { type Findings, RESTORE } from './problem.ts';

const HARMLESS = 'it is harmless, but must not happen: report how it came about';

/** The statuses that the opcodes of a job can have, in order, by the status of the job. */
const opStatuses: Readonly<Record<JobStatus, RegExp>> = {
  queued: /^(queued )+$/,
  waiting: /^(success )*(waiting )?(queued )*$/,
  running: /^(success )*(running |waiting |canceling )?(queued )*$/,
  canceling: /^(success )*(running |waiting |canceling )*(queued )*$/,
  success: /^(success )+$/,
  error: /^(success )*(error )+$/,
  canceled: /^(success )*(canceled )+$/,
};

const ENDED = "j.status IN ('success', 'error', 'canceled')";

/** What must not occur, as queries for the rows where it does: they return the job, and a detail for the text as `what`. */
const rules: readonly (readonly [sql: string, text: string, advice: string])[] = [
  [
    'SELECT id AS job FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM job_ops WHERE job = j.id)',
    'has no opcodes',
    RESTORE,
  ],
  [
    'SELECT job FROM job_ops GROUP BY job HAVING min(op) <> 0 OR max(op) <> count(*) - 1',
    'lacks some of its opcodes',
    RESTORE,
  ],
  [
    `SELECT id AS job FROM jobs j WHERE (${ENDED}) <> ("end" IS NOT NULL)`,
    'has an end that contradicts its status',
    RESTORE,
  ],
  [
    `SELECT id AS job FROM jobs j WHERE archived <> 0 AND NOT ${ENDED}`,
    'is archived but has not ended',
    RESTORE,
  ],
  ...['job_ops', 'job_log', 'job_steps', 'job_secrets'].map(
    (table) =>
      [
        `SELECT DISTINCT job FROM ${table} t WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = t.job)`,
        `does not exist, but has rows in the table ${table}`,
        RESTORE,
      ] as const,
  ),
  ...['job_log', 'job_steps', 'job_secrets'].map(
    (table) =>
      [
        `SELECT DISTINCT t.job, t.op AS what FROM ${table} t JOIN jobs j ON j.id = t.job
         WHERE NOT EXISTS (SELECT 1 FROM job_ops o WHERE o.job = t.job AND o.op = t.op)`,
        `has rows in the table ${table} for an opcode that does not exist`,
        RESTORE,
      ] as const,
  ),
  [
    `SELECT DISTINCT t.job FROM job_steps t JOIN jobs j ON j.id = t.job WHERE ${ENDED}`,
    'has ended but still has steps in its journal',
    HARMLESS,
  ],
  [
    `SELECT DISTINCT t.job FROM job_secrets t JOIN jobs j ON j.id = t.job WHERE ${ENDED}`,
    'has ended but still has secrets',
    HARMLESS,
  ],
  [
    `SELECT DISTINCT o.job FROM job_ops o JOIN jobs j ON j.id = o.job
     WHERE (o.locks IS NOT NULL OR o.undo IS NOT NULL) AND ${ENDED}`,
    'has ended but still holds locks',
    HARMLESS,
  ],
  [
    `SELECT DISTINCT job, name AS what FROM job_steps
     WHERE CASE WHEN seq IS NULL THEN outcome IS NOT NULL OR failure IS NOT NULL
                ELSE (outcome IS NULL) = (failure IS NULL) END`,
    'has a step with no outcome or two outcomes',
    RESTORE,
  ],
  ...(
    [
      ['job_ops', ['input', 'resolved', 'result', 'failure', 'locks', 'undo']],
      ['job_steps', ['outcome', 'failure']],
    ] as const
  ).flatMap(([table, columns]) =>
    columns.map(
      (column) =>
        [
          `SELECT DISTINCT job, op AS what FROM ${table} WHERE ${column} IS NOT NULL AND NOT json_valid(${column})`,
          `'${column}' in the table ${table} is not JSON: opcode`,
          RESTORE,
        ] as const,
    ),
  ),
  [
    `SELECT DISTINCT job, op AS what FROM job_ops
     WHERE CASE WHEN json_valid(input) THEN json_type(input, '$.OP_ID') IS NOT 'text' ELSE 0 END`,
    'has no OP_ID: opcode',
    RESTORE,
  ],
  [
    `SELECT id AS job FROM jobs WHERE id > (SELECT value FROM meta WHERE key = 'last_job') ORDER BY id DESC LIMIT 1`,
    'has a number above the last assigned one: new jobs would get numbers that are in use',
    RESTORE,
  ],
];

/** Checks that jobs are complete, that their statuses are consistent, and that ended ones have left nothing behind. */
export function checkJobs(database: Database.Database, findings: Findings): void {
  for (const [sql, text, advice] of rules)
    findings.during('the jobs', () => {
      for (const { job, what } of database.prepare(sql).iterate() as Iterable<{
        job: unknown;
        what?: unknown;
      }>)
        findings.add('job', `job ${job}`, what === undefined ? text : `${text} (${what})`, advice);
    });
  findings.during('the jobs', () => checkStatuses(database, findings));
}

function checkStatuses(database: Database.Database, findings: Findings): void {
  const rows = database
    .prepare(
      `SELECT id, status, (SELECT group_concat(status || ' ', '') FROM (SELECT status FROM job_ops WHERE job = j.id ORDER BY op)) AS ops
       FROM jobs j`,
    )
    .iterate() as Iterable<{ id: unknown; status: unknown; ops: unknown }>;
  for (const { id, status, ops } of rows) {
    const allowed = Object.hasOwn(opStatuses, String(status)) ? opStatuses[status as JobStatus] : null;
    if (!allowed) findings.add('job', `job ${id}`, `has the unknown status '${status}'`);
    else if (ops !== null && !allowed.test(String(ops)))
      findings.add('job', `job ${id}`, `is ${status}, and its opcodes are: ${String(ops).trim()}`);
  }
}
