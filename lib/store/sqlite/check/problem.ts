import Database from 'better-sqlite3';
import { errorText } from '../../../base/errors.ts';

/** Something that is wrong with a cluster's state. */
export interface Problem {
  /** What kind of thing it is. */
  kind: 'database' | 'object' | 'reference' | 'job' | 'secret' | 'certificate' | 'file' | 'mode';
  /** The thing, for people: `instance web1.example.com`, `job 17`, a path. */
  about: string;
  /** What is wrong with it. */
  text: string;
  /** What can be done. */
  advice: string;
}

/** What helps when nothing smaller does. */
export const RESTORE = 'restore a backup (merapi restore)';

/** How many problems are kept: one damage can show in a million rows. */
const KEPT = 1000;

/** The problems that were found so far. */
export class Findings {
  readonly problems: Problem[] = [];
  /** All that were found, those that were not kept too. */
  total = 0;

  add(kind: Problem['kind'], about: string, text: string, advice: string = RESTORE): void {
    this.total += 1;
    if (this.problems.length < KEPT) this.problems.push({ kind, about, text, advice });
  }

  /** Does a part of the work; that the database cannot be read there is a problem too, and the rest goes on. */
  during(part: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      this.add('database', part, `cannot be read: ${errorText(error)}`);
    }
  }
}
