// All SQL statements, by name, and the mapping of changes to them. The worker thread prepares each statement once; only names and values
// are sent to it.
import { stringifyJson } from '../../base/json.ts';
import type { ClusterEvent } from '../../model/event.ts';
import type { Change } from '../changes.ts';
import { JOB_FORMAT, JOURNAL_FORMAT } from '../formats.ts';

/** The read-only jobs to delete. Parameters: a time (those that ended before), how many of the newest to keep, a later time for the rest. */
const forgotten = `SELECT id FROM jobs WHERE brief = 1 AND "end" < ? UNION SELECT id FROM
  (SELECT id, "end" FROM jobs WHERE brief = 1 AND "end" IS NOT NULL ORDER BY "end" DESC LIMIT -1 OFFSET ?) WHERE "end" < ?`;

/** Every statement that writes, by name. */
export const writes = {
  // Tests whether the file can be written. It must change a value, or SQLite writes nothing.
  probe: "UPDATE meta SET value = value + 1 WHERE key = 'tries'",
  // Higher than every earlier epoch, also after a restored backup brought an old one back: hence the time.
  epochClaim:
    "UPDATE meta SET value = max(value + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE key = 'epoch'",
  objectPut:
    'INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT (kind, uuid) DO UPDATE SET body = excluded.body',
  objectRemove: 'DELETE FROM objects WHERE kind = ? AND uuid = ?',
  dutyPut: 'INSERT INTO duties VALUES (?, ?) ON CONFLICT (uuid) DO UPDATE SET body = excluded.body',
  dutyRemove: 'DELETE FROM duties WHERE uuid = ?',
  eventAdd: 'INSERT INTO events (id, time, kind, uuid, name, action, job) VALUES (?, ?, ?, ?, ?, ?, ?)',
  eventsForget: 'DELETE FROM events WHERE id <= ? OR (id <= ? AND time < ?)',
  keyAdd: 'INSERT INTO idempotency (principal, key, print, job, time) VALUES (?, ?, ?, ?, ?)',
  keysForget:
    'DELETE FROM idempotency WHERE time < ? AND job <= ? AND job IN (SELECT id FROM jobs WHERE archived = 1)',
  jobAdd: 'INSERT INTO jobs (id, status, priority, received, format, brief) VALUES (?, ?, ?, ?, ?, ?)',
  jobLast: "UPDATE meta SET value = max(value, ?) WHERE key = 'last_job'",
  jobSet: 'UPDATE jobs SET status = ?, start = ?, "end" = ? WHERE id = ?',
  opAdd: 'INSERT INTO job_ops (job, op, input, resolved, status, result) VALUES (?, ?, ?, ?, ?, ?)',
  opSet:
    'UPDATE job_ops SET resolved = ?, status = ?, result = ?, failure = ?, start = ?, exec = ?, "end" = ? WHERE job = ? AND op = ?',
  jobCancel:
    "UPDATE jobs SET status = 'canceling' WHERE id = ? AND status NOT IN ('success', 'error', 'canceled')",
  jobArchive: "UPDATE jobs SET archived = 1 WHERE id = ? AND status IN ('success', 'error', 'canceled')",
  jobsArchive:
    'UPDATE jobs SET archived = 1 WHERE id IN (SELECT id FROM jobs WHERE archived = 0 AND ("end" < ? OR "end" > ?) ORDER BY "end" LIMIT ?)',
  opsForget: `DELETE FROM job_ops WHERE job IN (${forgotten})`,
  logsForget: `DELETE FROM job_log WHERE job IN (${forgotten})`,
  requestsForget: `DELETE FROM idempotency WHERE job IN (${forgotten})`,
  jobsForget: `DELETE FROM jobs WHERE id IN (${forgotten})`,
  opHold: 'UPDATE job_ops SET locks = ?, unit = ?, journal = ? WHERE job = ? AND op = ?',
  opUndo: 'UPDATE job_ops SET undo = ? WHERE job = ? AND op = ?',
  logAdd: 'INSERT INTO job_log (job, serial, op, time, type, text) VALUES (?, ?, ?, ?, ?, ?)',
  stepBegin: 'INSERT INTO job_steps (job, op, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  stepEnd: `INSERT INTO job_steps (job, op, name, seq, outcome, failure) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (job, op, name) DO UPDATE SET seq = excluded.seq, outcome = excluded.outcome, failure = excluded.failure`,
  secretAdd: 'INSERT INTO job_secrets VALUES (?, ?, ?)',
  stepsRemove: 'DELETE FROM job_steps WHERE job = ?',
  secretsRemove: 'DELETE FROM job_secrets WHERE job = ?',
  locksRemove: 'UPDATE job_ops SET locks = NULL, undo = NULL WHERE job = ?',
} as const;

/** A page of the unfinished jobs: those after an id, up to a limit. */
const active =
  "FROM jobs WHERE status NOT IN ('success', 'error', 'canceled') AND id > ? ORDER BY id LIMIT ?";

/** The total size of the texts of opcodes, in bytes. */
const size = 'total(octet_length(input) + octet_length(resolved) + octet_length(result))';

/** Every statement that reads, by name. */
export const reads = {
  epoch: "SELECT value FROM meta WHERE key = 'epoch'",
  lastJob: "SELECT value FROM meta WHERE key = 'last_job'",
  objects: "SELECT kind, body FROM objects UNION ALL SELECT 'duty', body FROM duties",
  activeJobs: `SELECT * ${active}`,
  activeOps: `SELECT * FROM job_ops WHERE job IN (SELECT id ${active}) ORDER BY job, op`,
  activeLogs: `SELECT * FROM job_log WHERE job IN (SELECT id ${active}) ORDER BY job, serial`,
  activeSteps: `SELECT job, op, name, seq, outcome, failure FROM job_steps WHERE job IN (SELECT id ${active}) ORDER BY job, seq`,
  activeSecrets: `SELECT job, op, sealed FROM job_secrets WHERE job IN (SELECT id ${active})`,
  jobs: 'SELECT * FROM jobs WHERE id BETWEEN ? AND ? ORDER BY id',
  ops: 'SELECT * FROM job_ops WHERE job BETWEEN ? AND ? ORDER BY job, op',
  // The opcodes of one job; none if their texts exceed a number of bytes.
  shortOps: `SELECT * FROM job_ops WHERE job = ? AND (SELECT ${size} FROM job_ops WHERE job = ?) <= ? ORDER BY op`,
  logs: 'SELECT * FROM job_log WHERE job BETWEEN ? AND ? ORDER BY job, serial',
  lastEvent: "SELECT seq AS id FROM sqlite_sequence WHERE name = 'events'",
  events: 'SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?',
  firstEvent: 'SELECT min(id) AS id FROM events',
  key: 'SELECT print AS fingerprint, job FROM idempotency WHERE principal = ? AND key = ?',
  archivable:
    'SELECT count(*) AS count FROM (SELECT 1 FROM jobs WHERE archived = 0 AND ("end" < ? OR "end" > ?) LIMIT ?)',
  listed: 'SELECT id FROM jobs WHERE archived = 0 AND id > ? ORDER BY id LIMIT ?',
  listedSizes: `SELECT id, (SELECT ${size} FROM job_ops WHERE job = jobs.id) AS size FROM jobs WHERE archived = 0 AND id > ? ORDER BY id LIMIT ?`,
} as const;

export type WriteName = keyof typeof writes;
type SqlValue = string | number | null;

/** A statement to run: its name and its values. */
export type Statement = readonly [name: WriteName, values: readonly SqlValue[]];

/** A query to run: its name and its values. */
export type Query = readonly [name: keyof typeof reads, values: readonly (string | number)[]];

const json = (value: unknown): string => stringifyJson(value);
const jsonOrNull = (value: unknown): string | null => (value === null ? null : stringifyJson(value));

/** The statement that stores an event. */
export function eventStatement({ id, time, kind, uuid, name, action, job }: ClusterEvent): Statement {
  return ['eventAdd', [id, time, kind, uuid, name, action, job]];
}

/** The statements that store a change. */
export function statementsOf(change: Change): Statement[] {
  switch (change.change) {
    case 'put':
      return change.kind === 'duty'
        ? [['dutyPut', [change.object.uuid, json(change.object)]]]
        : [['objectPut', [change.kind, change.object.uuid, json(change.object)]]];
    case 'remove':
      return change.kind === 'duty'
        ? [['dutyRemove', [change.uuid]]]
        : [['objectRemove', [change.kind, change.uuid]]];
    case 'job-add': {
      const { job } = change;
      return [
        ['jobAdd', [job.id, job.status, job.priority, job.received, JOB_FORMAT, job.brief ? 1 : 0]],
        ['jobLast', [job.id]],
        ...job.ops.map(
          (op, index): Statement => ['opAdd', [job.id, index, json(op.input), '{}', op.status, 'null']],
        ),
        ...[...change.secrets].map(([op, sealed]): Statement => ['secretAdd', [job.id, op, sealed]]),
      ];
    }
    case 'job-set':
      return [['jobSet', [change.status, change.start, change.end, change.job]]];
    case 'op-set': {
      const { state } = change;
      const values = [json(state.resolved), state.status, json(state.result), jsonOrNull(state.failure)];
      return [['opSet', [...values, state.start, state.exec, state.end, change.job, change.op]]];
    }
    case 'op-hold':
      return [['opHold', [json(change.locks), change.unit, JOURNAL_FORMAT, change.job, change.op]]];
    case 'key-add':
      return [['keyAdd', [change.principal, change.key, change.fingerprint, change.job, change.time]]];
    case 'jobs-forget': {
      const { before, crowded, most } = change;
      const names = ['opsForget', 'logsForget', 'requestsForget', 'jobsForget'] as const;
      return names.map((name) => [name, [before, most, crowded]]);
    }
    case 'keys-forget':
      return [['keysForget', [change.before, change.upTo]]];
    case 'events-forget':
      return [['eventsForget', [change.upTo, change.aged.upTo, change.aged.before]]];
    case 'job-cancel':
      return [['jobCancel', [change.job]]];
    case 'job-archive':
      return [['jobArchive', [change.job]]];
    case 'jobs-archive':
      return [['jobsArchive', [change.before, change.after, change.limit]]];
    case 'op-undo':
      return [['opUndo', [json(change.failure), change.job, change.op]]];
    case 'log-add': {
      const { entry } = change;
      return [['logAdd', [change.job, entry.serial, change.op, entry.time, entry.type, entry.text]]];
    }
    case 'step-begin':
      return [['stepBegin', [change.job, change.op, change.name]]];
    case 'step-end': {
      const outcome = 'outcome' in change.end ? json(change.end.outcome) : null;
      const failure = 'failure' in change.end ? json(change.end.failure) : null;
      return [['stepEnd', [change.job, change.op, change.name, change.seq, outcome, failure]]];
    }
    case 'job-clean':
      return [
        ['stepsRemove', [change.job]],
        ['secretsRemove', [change.job]],
        ['locksRemove', [change.job]],
      ];
  }
}
