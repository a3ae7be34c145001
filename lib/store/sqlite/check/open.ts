import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { knownSchema, migrate, schemaOf } from '../migrate.ts';

/** How long it is waited for a master that has the file for itself, in milliseconds. */
const PATIENCE = 10_000;

/** One state of a store, to be looked at while a master may go on writing. */
export interface Look {
  database: Database.Database;
  close(): Promise<void>;
}

/**
 * Opens a store to look at it, changing nothing. One that an older Merapi wrote is looked at as a copy that is brought up to
 * date; so is one in a folder where SQLite cannot make the files that it shares with a master.
 * @throws MerapiError unavailable when it cannot be opened or a newer Merapi wrote it; SqliteError when it is damaged
 */
export async function openLook(file: string): Promise<Look> {
  const look = await openInPlace(file);
  const schema = schemaOf(look.database);
  const known = knownSchema();
  if (schema > known) {
    await look.close();
    throw new MerapiError(
      'unavailable',
      `The store ${file} is of a newer Merapi (schema ${schema}, known up to ${known}); look at it with that one`,
    );
  }
  if (schema > 0 && schema < known) return broughtUp(look);
  look.database.exec('BEGIN'); // all that is looked at is of one moment
  return look;
}

/** Opens the file read-only, or a copy of it where that cannot be. */
async function openInPlace(file: string): Promise<Look> {
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
    schemaOf(database); // only this touches the file
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

async function copied(file: string, reason: unknown): Promise<Look> {
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

/** A copy of the store as this Merapi would have it. */
async function broughtUp(look: Look): Promise<Look> {
  const folder = await mkdtemp(join(tmpdir(), 'merapi-look-'));
  try {
    const copy = join(folder, 'cluster.db');
    look.database.prepare('VACUUM INTO ?').run(copy);
    const database = new Database(copy);
    migrate(database);
    return within(folder, database);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    await look.close();
  }
}

function within(folder: string, database: Database.Database): Look {
  return {
    database,
    close: async () => {
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Writes the state of this moment into a new file, while a master may go on writing: it waits for nothing.
 * @throws MerapiError unavailable when the store cannot be read or the file not be written
 */
export async function copyStore(file: string, to: string): Promise<void> {
  let look: Look | null = null;
  try {
    look = await openInPlace(file);
    look.database.prepare('VACUUM INTO ?').run(to);
  } catch (cause) {
    throw new MerapiError(
      'unavailable',
      `The store ${file} cannot be copied: ${errorText(cause)}; merapi check tells what is wrong with it`,
      { cause },
    );
  } finally {
    await look?.close();
  }
}
