import type Database from 'better-sqlite3';
import * as z from 'zod';
import { errorCodes } from '../../../base/errors.ts';
import { parseJson } from '../../../base/json.ts';
import { lockLevels } from '../../../model/locks.ts';
import { opcodes } from '../../../opcodes/registry.ts';
import { type Findings, RESTORE } from './problem.ts';

const StoredLocks = z.array(
  z.object({ level: z.enum(lockLevels), name: z.string(), mode: z.enum(['shared', 'exclusive']) }),
);
const StoredFailure = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  detail: z.string().optional(),
});
const Input = z
  .object({ OP_ID: z.string() })
  .refine(({ OP_ID }) => Object.hasOwn(opcodes, OP_ID), 'its opcode is unknown to this Merapi');

/** The JSON columns of an unfinished job that the next master parses, with their schemas. */
const columns: readonly (readonly [column: string, schema: z.ZodType])[] = [
  ['input', Input],
  ['resolved', z.record(z.string(), z.unknown())],
  ['failure', StoredFailure.nullable()],
  ['locks', StoredLocks.nullable()],
  ['undo', StoredFailure.nullable()],
];

/** Checks that unfinished jobs can be resumed; returns how many there are. */
export function checkOpenJobs(database: Database.Database, findings: Findings): number {
  findings.during('the jobs', () => {
    const rows = database
      .prepare(
        `SELECT o.* FROM jobs j JOIN job_ops o ON o.job = j.id
         WHERE j.status NOT IN ('success', 'error', 'canceled') ORDER BY o.job, o.op`,
      )
      .iterate() as Iterable<Record<string, unknown>>;
    for (const row of rows)
      for (const [column, schema] of columns) {
        const wrong = wrongIn(row[column], schema);
        if (wrong !== null)
          findings.add('job', `job ${row.job}`, `opcode ${row.op}, ${column}: ${wrong}`, RESTORE);
      }
  });
  let count = 0;
  findings.during('the jobs', () => {
    const row = database
      .prepare("SELECT count(*) AS count FROM jobs WHERE status NOT IN ('success', 'error', 'canceled')")
      .get() as { count: number };
    count = row.count;
  });
  return count;
}

/** What is wrong with a stored JSON text; null for nothing. A text that is not JSON is reported by checkJobs(). */
function wrongIn(text: unknown, schema: z.ZodType): string | null {
  let value: unknown;
  try {
    value = text === null ? null : parseJson(String(text));
  } catch {
    return null;
  }
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue ? `${issue.path.join('.') || 'it'}: ${issue.message}` : null;
}
