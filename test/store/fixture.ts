import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Json } from '../../lib/base/json.ts';
import type { Job, JobOp, OpInput } from '../../lib/model/job.ts';
import { openStore, type Store } from '../../lib/store/store.ts';

/** A store in a folder of its own, and what looks into its file from outside. */
export class StoreFixture {
  readonly folder: string;
  readonly file: string;
  readonly #open: Store[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.file = join(folder, 'state', 'cluster.db');
  }

  static async make(): Promise<StoreFixture> {
    return new StoreFixture(await mkdtemp(join(tmpdir(), 'merapi-store-')));
  }

  /** Opens the store, again or beside those that are open; closed at the end if not before. */
  async open(): Promise<Store> {
    const store = await openStore(this.file);
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

  async close(): Promise<void> {
    await Promise.all(this.#open.map((store) => store.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Runs a test with a store fixture of its own. */
export async function withStore(test: (fixture: StoreFixture) => Promise<void>): Promise<void> {
  const fixture = await StoreFixture.make();
  try {
    await test(fixture);
  } finally {
    await fixture.close();
  }
}

/** An opcode of a job that has not begun. */
export function anOp(input: OpInput, patch: Partial<JobOp> = {}): JobOp {
  return {
    input,
    resolved: {},
    status: 'queued',
    result: null as Json,
    failure: null,
    log: [],
    start: null,
    exec: null,
    end: null,
    ...patch,
  };
}

/** A queued job of these opcodes. */
export function aJob(id: number, ops: readonly JobOp[], patch: Partial<Job> = {}): Job {
  return {
    id,
    status: 'queued',
    priority: 0,
    ops,
    received: 1_700_000_000.5,
    start: null,
    end: null,
    archived: false,
    ...patch,
  };
}
