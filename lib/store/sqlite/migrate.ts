// Creates, migrates and opens the database file. The schema is the sequence of numbered files in migrations/; SQLite's user_version
// counts how many a file has had. A migration that was released must never be changed: add a new one.
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import Database from 'better-sqlite3';
import { installed } from '../../base/installation.ts';

const folder = installed('dist/store/sqlite/migrations/');

/** The migration files, in order. */
function migrations(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
}

/** The schema of a store: how many migrations it has had; 0 for a database that is not a store. */
export function schemaOf(database: Database.Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

/** The schema of this Merapi. */
export function knownSchema(): number {
  return migrations().length;
}

/** Migrates a store to a schema, by default that of this Merapi; each migration is a transaction. */
export function migrate(database: Database.Database, upTo = knownSchema()): void {
  const done = schemaOf(database);
  for (const [index, name] of migrations().slice(0, upTo).entries()) {
    if (index < done) continue;
    database.transaction(() => {
      database.exec(readFileSync(new URL(name, folder), 'utf8'));
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
}

/** The tables, columns and indexes that a store of this schema must have and that this one lacks, for people. */
export function lackingParts(database: Database.Database): string[] {
  const model = new Database(':memory:');
  try {
    migrate(model, schemaOf(database));
    const present = new Set(partsOf(database));
    return partsOf(model).filter((part) => !present.has(part));
  } finally {
    model.close();
  }
}

function partsOf(database: Database.Database): string[] {
  const rows = database
    .prepare(
      `SELECT s.type, s.name, c.name AS column FROM sqlite_schema s
       LEFT JOIN pragma_table_info(s.name) c ON s.type = 'table'
       WHERE s.type IN ('table', 'index') AND s.name NOT LIKE 'sqlite_%'`,
    )
    .all() as { type: string; name: string; column: string | null }[];
  return rows.map(({ type, name, column }) =>
    column === null ? `the ${type} ${name}` : `the column ${column} of the table ${name}`,
  );
}

const REMEDY =
  "; check it with 'merapi check', and restore a backup with 'merapi restore FILE --dir DIR --force'";

/** The page cache of a connection, in KiB. It is small, since all objects are in memory and mostly recent jobs are read. */
const CACHE = 4096;

/**
 * Opens a store for a master. A writing connection first creates a missing file, completely or not at all, migrates it, and calls
 * `takeOver` to claim it. @throws Error whose message says what is wrong with the file and what to do
 */
export function openDatabase(
  file: string,
  readonly: boolean,
  takeOver: (database: Database.Database) => void,
): Database.Database {
  let database: Database.Database | null = null;
  try {
    if (!readonly) ensureDatabase(file);
    database = new Database(file, { readonly, timeout: 10_000 });
    database.pragma(`cache_size = -${CACHE}`);
    if (readonly) return database;
    database.exec('BEGIN IMMEDIATE; ROLLBACK'); // a file that cannot be written shows here
    checkOwn(database);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    migrate(database);
    takeOver(database);
    return database;
  } catch (error) {
    database?.close();
    throw new Error(explain(error), { cause: error });
  }
}

/** Creates a store under another name, and renames it when it is complete. */
function ensureDatabase(file: string): void {
  if (existsSync(file)) {
    if (statSync(file).size === 0) throw new Error(`the file is empty${REMEDY}`);
    return;
  }
  if (existsSync(`${file}-wal`))
    throw new Error(`the file is missing, but its journal ${file}-wal exists${REMEDY}`);
  const made = `${file}.new`;
  rmSync(made, { force: true });
  closeSync(openSync(made, 'wx', 0o600)); // SQLite's other files get the mode of this one
  const database = new Database(made);
  migrate(database);
  database.close();
  renameSync(made, file);
}

/** Checks that the database is a store with a schema that this Merapi knows. @throws Error */
function checkOwn(database: Database.Database): void {
  const [schema, known] = [schemaOf(database), knownSchema()];
  if (schema > known)
    throw new Error(
      `The store is from a newer Merapi (schema ${schema}, known up to ${known}); start that one, or restore a backup that this one made with 'merapi restore FILE --dir DIR --force'`,
    );
  const [lack] = schema === 0 ? ['the tables of a cluster'] : lackingParts(database);
  if (lack) throw new Error(`the file is not a store of Merapi, or it is damaged: it lacks ${lack}${REMEDY}`);
}

/** The message of an error for the administrator who starts a master. */
function explain(error: unknown): string {
  const { code = '', message } = error as { code?: string; message: string };
  if (code === 'SQLITE_NOTADB') return `the file is not a database, or its beginning is damaged${REMEDY}`;
  if (code.startsWith('SQLITE_CORRUPT')) return `the file is damaged (${message})${REMEDY}`;
  if (/^SQLITE_(READONLY|CANTOPEN|PERM)|^(EROFS|EACCES|EPERM)$/.test(code))
    return `the file or its folder cannot be written (${message}); give the user who runs the master permission to write them, and check whether the disk is read-only`;
  return message;
}
