import Database from 'better-sqlite3';
import { errorText } from '../../../base/errors.ts';

/** Something that is wrong with the stored state of a cluster. */
export interface Problem {
  /** What kind of thing it is. */
  kind: 'database' | 'object' | 'reference' | 'job' | 'secret' | 'certificate' | 'file' | 'mode';
  /** What it is about, for people: `instance web1.example.com`, `job 17`, a path. */
  about: string;
  /** What is wrong with it. */
  text: string;
  /** What to do. */
  advice: string;
}

/** The advice if nothing simpler helps. */
export const RESTORE = 'restore a backup (merapi restore)';

/** How many problems are kept: a single damage can affect a million rows. */
const KEPT = 1000;

/** The problems that were found so far. */
export class Findings {
  readonly problems: Problem[] = [];
  /** How many were found, those that are not kept included. */
  total = 0;

  add(kind: Problem['kind'], about: string, text: string, advice: string = RESTORE): void {
    this.total += 1;
    if (this.problems.length < KEPT) this.problems.push({ kind, about, text, advice });
  }

  /** Runs a part of the check. An error of SQLite is recorded as a problem, so that the other parts still run. */
  during(part: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      this.add('database', part, `cannot be read: ${errorText(error)}`);
    }
  }
}
