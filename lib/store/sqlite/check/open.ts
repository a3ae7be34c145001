// Opens a store for reading while a master may be writing to it, without changing it. All reads of one check are in one transaction,
// so they see one state. A copy is used where the file cannot be read in place, or has an older schema that must be migrated first.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { knownSchema, migrate, schemaOf } from '../migrate.ts';

/** How long to wait for a master that has the file locked, in milliseconds. */
const PATIENCE = 10_000;

/** A store that is open for reading. */
export interface ReadableStore {
  database: Database.Database;
  close(): Promise<void>;
}

/**
 * Opens a store for a check. If an older Merapi wrote it, a migrated copy is opened instead.
 * @throws MerapiError unavailable when it cannot be opened or a newer Merapi wrote it; SqliteError when it is damaged
 */
export async function openForCheck(file: string): Promise<ReadableStore> {
  const store = await openInPlace(file);
  const schema = schemaOf(store.database);
  const known = knownSchema();
  if (schema > known) {
    await store.close();
    throw new MerapiError(
      'unavailable',
      `The store ${file} is from a newer Merapi (schema ${schema}, known up to ${known}); check it with that one`,
    );
  }
  if (schema > 0 && schema < known) return migratedCopy(store);
  store.database.exec('BEGIN'); // all reads see the same state
  return store;
}

/** Opens the file read-only; or a copy of it, if its folder is read-only, where SQLite cannot make the files that it shares with a master. */
async function openInPlace(file: string): Promise<ReadableStore> {
  try {
    const database = open(file);
    return { database, close: async () => void database.close() };
  } catch (error) {
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test((error as { code?: string }).code ?? '')) throw error;
    return copied(file, error);
  }
}

function open(file: string): Database.Database {
  const database = new Database(file, { readonly: true, fileMustExist: true, timeout: PATIENCE });
  try {
    schemaOf(database); // SQLite opens the file only at the first read
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

async function copied(file: string, reason: unknown): Promise<ReadableStore> {
  const folder = await mkdtemp(join(tmpdir(), 'merapi-look-'));
  const copy = join(folder, 'cluster.db');
  try {
    await copyFile(file, copy);
    await copyFile(`${file}-wal`, `${copy}-wal`).catch((error) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
    return within(folder, open(copy));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (error instanceof Database.SqliteError) throw error;
    throw new MerapiError('unavailable', `The store ${file} cannot be opened: ${errorText(reason)}`, {
      cause: error,
    });
  }
}

/** A copy of the store with the schema of this Merapi. */
async function migratedCopy(store: ReadableStore): Promise<ReadableStore> {
  const folder = await mkdtemp(join(tmpdir(), 'merapi-look-'));
  try {
    const copy = join(folder, 'cluster.db');
    store.database.prepare('VACUUM INTO ?').run(copy);
    const database = new Database(copy);
    migrate(database);
    return within(folder, database);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    await store.close();
  }
}

function within(folder: string, database: Database.Database): ReadableStore {
  return {
    database,
    close: async () => {
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Writes the present state of a store to a new file, for a backup. A master that is writing is not delayed.
 * @throws MerapiError unavailable when the store cannot be read, or the file cannot be written
 */
export async function copyStore(file: string, to: string): Promise<void> {
  let store: ReadableStore | null = null;
  try {
    store = await openInPlace(file);
    store.database.prepare('VACUUM INTO ?').run(to);
  } catch (cause) {
    throw new MerapiError(
      'unavailable',
      `The store ${file} cannot be copied: ${errorText(cause)}; 'merapi check' reports what is wrong with it`,
      { cause },
    );
  } finally {
    await store?.close();
  }
}
