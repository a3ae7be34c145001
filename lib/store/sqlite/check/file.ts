import type Database from 'better-sqlite3';
import { lackingParts } from '../migrate.ts';
import { type Findings, RESTORE } from './problem.ts';

/** Checks the file as a database: its pages, its indexes, its schema, and the values in the table meta. */
export function checkFile(database: Database.Database, findings: Findings): void {
  const found = (text: string) => findings.add('database', 'the database', text);
  findings.during('the database', () => {
    const rows = database.pragma('integrity_check') as { integrity_check: string }[];
    for (const { integrity_check: text } of rows) if (text !== 'ok') found(`is damaged: ${text}`);
    for (const row of database.pragma('foreign_key_check') as object[])
      found(`has a row whose foreign key does not exist: ${JSON.stringify(row)}`);
    for (const part of lackingParts(database)) found(`lacks ${part}`);
  });
  findings.during('the table meta', () => {
    for (const key of ['epoch', 'last_job', 'tries']) {
      const row = database.prepare('SELECT value FROM meta WHERE key = ?').get(key) as
        | { value: unknown }
        | undefined;
      const value = row?.value;
      if (typeof value !== 'number' || value < 0)
        findings.add('database', 'the table meta', `has no number '${key}'`, RESTORE);
    }
  });
}
