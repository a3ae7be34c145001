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

/** The numbered files that the schema grows by, in their order. */
function migrations(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
}

/** How many of the numbered files a store has had. */
export function schemaOf(database: Database.Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

/** The schema of this Merapi. */
export function knownSchema(): number {
  return migrations().length;
}

/** Brings a store up to a schema, that of this Merapi unless told otherwise; each step is a transaction. */
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

/** What a store of this schema must have and this one lacks, in words: tables, columns and indexes. */
export function lackingParts(database: Database.Database): string[] {
  const model = new Database(':memory:');
  try {
    migrate(model, schemaOf(database));
    const there = new Set(partsOf(database));
    return partsOf(model).filter((part) => !there.has(part));
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
  "; look at it with 'merapi check', and put a backup in its place with 'merapi restore FILE --dir DIR --force'";

/** The most memory that a connection keeps pages in, in KiB. The objects are in memory anyway, and what is read of jobs is recent. */
const CACHE = 4096;

/**
 * Opens a store for a master, to write or only to read. One who writes makes it where it is missing, whole or not at all,
 * brings it up to date, and takes it over. @throws Error saying what is wrong with the file and what to do
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
    throw new Error(troubleText(error), { cause: error });
  }
}

/** Makes a store beside the file and gives it its name when it is whole. */
function ensureDatabase(file: string): void {
  if (existsSync(file)) {
    if (statSync(file).size === 0) throw new Error(`the file is empty${REMEDY}`);
    return;
  }
  if (existsSync(`${file}-wal`))
    throw new Error(`the file is gone, but its journal ${file}-wal is there${REMEDY}`);
  const made = `${file}.new`;
  rmSync(made, { force: true });
  closeSync(openSync(made, 'wx', 0o600)); // SQLite gives its other files the mode of this one
  const database = new Database(made);
  migrate(database);
  database.close();
  renameSync(made, file);
}

/** @throws Error when the database is not one of this Merapi */
function checkOwn(database: Database.Database): void {
  const [schema, known] = [schemaOf(database), knownSchema()];
  if (schema > known)
    throw new Error(
      `The store is of a newer Merapi (schema ${schema}, known up to ${known}); start that one, or put a backup made by this one in its place with 'merapi restore FILE --dir DIR --force'`,
    );
  const [lack] = schema === 0 ? ['the tables of a cluster'] : lackingParts(database);
  if (lack) throw new Error(`the file is not a store of Merapi, or it is damaged: it lacks ${lack}${REMEDY}`);
}

/** What SQLite's words mean for the one who starts a master. */
function troubleText(error: unknown): string {
  const { code = '', message } = error as { code?: string; message: string };
  if (code === 'SQLITE_NOTADB') return `the file is not a database, or its beginning is damaged${REMEDY}`;
  if (code.startsWith('SQLITE_CORRUPT')) return `the file is damaged (${message})${REMEDY}`;
  if (/^SQLITE_(READONLY|CANTOPEN|PERM)|^(EROFS|EACCES|EPERM)$/.test(code))
    return `the file or its folder cannot be written (${message}); give the user who runs the master the right to write them, and look whether the disk is read-only`;
  return message;
}
