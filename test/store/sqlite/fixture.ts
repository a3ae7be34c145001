import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { type Clock, systemClock } from '../../../lib/base/clock.ts';
import type { Store } from '../../../lib/store/define.ts';
import { openSqliteStore } from '../../../lib/store/sqlite/store.ts';
import { pooledThreads } from '../../helpers/threads.ts';
import type { StoreUnderTest } from '../suite/define.ts';

/** A SQLite store in a folder of its own, and what looks into its file from outside. */
export class SqliteFixture implements StoreUnderTest {
  readonly folder: string;
  readonly file: string;
  readonly writer: StoreUnderTest['writer'];
  readonly #open: Store[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.file = join(folder, 'state', 'cluster.db');
    this.writer = { program: fileURLToPath(new URL('./writer.ts', import.meta.url)), args: [this.file] };
  }

  static async make(): Promise<SqliteFixture> {
    return new SqliteFixture(await mkdtemp(join(tmpdir(), 'merapi-store-')));
  }

  /** Opens the store, again or beside those that are open; closed at the end if not before. */
  async open(clock: Clock = systemClock): Promise<Store> {
    const store = await openSqliteStore(this.file, clock, pooledThreads);
    this.#open.push(store);
    return store;
  }

  /** The rows that SQL gives, read by a connection of its own. */
  rows(sql: string): Record<string, unknown>[] {
    const database = new Database(this.file, { readonly: true });
    try {
      return database.prepare(sql).all() as Record<string, unknown>[];
    } finally {
      database.close();
    }
  }

  /** Changes the file by SQL, from outside. */
  change(sql: string): void {
    const database = new Database(this.file);
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  }

  /** Lets every transaction that changes a row fail as on a full disk, without filling one. */
  async breakWrites(): Promise<() => Promise<void>> {
    const triggers = this.#tables().flatMap((table) =>
      ['INSERT', 'UPDATE', 'DELETE'].map((event) => ({ name: `full_${table}_${event}`, table, event })),
    );
    this.change(
      triggers
        .map(
          ({ name, table, event }) =>
            `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;`,
        )
        .join('\n'),
    );
    return async () => this.change(triggers.map(({ name }) => `DROP TRIGGER ${name};`).join('\n'));
  }

  /** The counter in the header of the index of SQLite's write-ahead log: a change of every transaction. */
  async transactions(): Promise<number> {
    const bytes = await readFile(`${this.file}-shm`);
    return bytes.readUInt32LE(8);
  }

  async contains(text: string): Promise<boolean> {
    return this.#tables().some((table) =>
      this.rows(`SELECT * FROM ${table}`).some((row) => holds(row, text)),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((store) => store.close()));
    await rm(this.folder, { recursive: true, force: true });
  }

  #tables(): string[] {
    const rows = this.rows(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    );
    return rows.map(({ name }) => String(name));
  }
}

function holds(row: Record<string, unknown>, text: string): boolean {
  return Object.values(row).some((value) => String(value).includes(text));
}

/** Runs a test with a SQLite store of its own. */
export async function withStore(test: (fixture: SqliteFixture) => Promise<void>): Promise<void> {
  const fixture = await SqliteFixture.make();
  try {
    await test(fixture);
  } finally {
    await fixture.close();
  }
}
