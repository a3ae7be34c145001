// JSON files that outlive their process, each with the version of its format. A file that this version cannot read is never guessed at,
// changed or replaced: the error names the file and what a person can do about it.

import { readFile, rm } from 'node:fs/promises';
import type * as z from 'zod';
import { MerapiError } from './errors.ts';
import { writeFileDurably } from './files.ts';
import { parseJson, stringifyJson } from './json.ts';

/** The key of a file's format version; files of version 1 may lack it. */
const FORMAT = 'format';

/** A kind of state file: the format that this version reads and writes, and what to do about a file that it cannot read. */
export interface StateFormat<T> {
  /** What such a file contains, e.g. 'the record of a guest'. For messages. */
  readonly what: string;
  /** What the administrator should do about a file that cannot be read, in the imperative: 'remove it …'. For messages. */
  readonly remedy: string;
  /** The version that is written, from 1 on. The schema must accept files of every older version too. */
  readonly version: number;
  readonly schema: z.ZodType<T>;
}

/**
 * The text of a state file; null when it does not exist.
 * @throws MerapiError configuration, naming the file and the remedy, when it cannot be read or is not UTF-8
 */
export async function readStateText(
  path: string,
  format: Pick<StateFormat<unknown>, 'what' | 'remedy'>,
): Promise<string | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw refused(path, format, reasons[code] ?? `it cannot be read (${code})`, cause);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refused(path, format, 'it is not text in UTF-8', cause);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EISDIR: 'a folder is in its place',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'its symbolic links form a loop',
  EIO: 'the disk cannot be read',
};

/**
 * The content of a state file; null when it does not exist. The file is never changed.
 * @throws MerapiError configuration, naming the file, what is wrong with it and the remedy
 */
export async function readStateFile<T>(path: string, format: StateFormat<T>): Promise<T | null> {
  const text = await readStateText(path, format);
  return text === null ? null : parseState(path, text, format);
}

/** Parses the text of a state file. @throws MerapiError configuration, as readStateFile() */
export function parseState<T>(path: string, text: string, format: StateFormat<T>): T {
  if (text.trim() === '') throw refused(path, format, 'it is empty');
  let content: unknown;
  try {
    content = parseJson(text);
  } catch (cause) {
    throw refused(path, format, 'it is not valid JSON, or incomplete', cause);
  }
  const version = versionOf(content);
  if (version === null) throw refused(path, format, `its '${FORMAT}' is not an integer of at least 1`);
  if (version > format.version)
    throw refused(
      path,
      format,
      `a newer Merapi wrote it (format ${version}; this one supports formats up to ${format.version})`,
    );
  const parsed = format.schema.safeParse(withoutVersion(content));
  if (parsed.success) return parsed.data;
  throw refused(path, format, wrongPart(parsed.error), parsed.error);
}

/** Writes a state file atomically and durably: after any crash it has its old or its new content, complete. */
export async function writeStateFile<T>(path: string, format: StateFormat<T>, value: T): Promise<void> {
  await writeFileDurably(path, stateText(format, value), 0o600);
}

/** Removes a state file, if it exists. @throws MerapiError configuration when a folder is in its place */
export async function removeStateFile(
  path: string,
  format: Pick<StateFormat<unknown>, 'what' | 'remedy'>,
): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_FS_EISDIR') throw refused(path, format, reasons.EISDIR as string, cause);
    throw cause;
  }
}

/** The text of a state file. */
export function stateText<T>({ version }: StateFormat<T>, value: T): string {
  return `${stringifyJson({ [FORMAT]: version, ...(value as object) })}\n`;
}

function isObject(content: unknown): content is Record<string, unknown> {
  return typeof content === 'object' && content !== null && !Array.isArray(content);
}

/** The format version of a content; 1 when it has none, null when it is not a valid version. */
function versionOf(content: unknown): number | null {
  if (!isObject(content) || !Object.hasOwn(content, FORMAT)) return 1;
  const version = content[FORMAT];
  return Number.isInteger(version) && (version as number) >= 1 ? (version as number) : null;
}

function withoutVersion(content: unknown): unknown {
  if (!isObject(content)) return content;
  const { [FORMAT]: _version, ...rest } = content;
  return rest;
}

/** Names the first part that is wrong, without its value, which may be secret. */
function wrongPart(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = (issue?.path ?? []).map(String).join('.');
  if (path !== '') return `its part '${path}' is missing or has an unknown value`;
  return issue?.code === 'unrecognized_keys'
    ? `its part '${issue.keys[0]}' is unknown`
    : 'it has other content';
}

function refused(
  path: string,
  { what, remedy }: Pick<StateFormat<unknown>, 'what' | 'remedy'>,
  why: string,
  cause?: unknown,
): MerapiError {
  return new MerapiError('configuration', `${path} (${what}) cannot be used: ${why}; ${remedy}`, { cause });
}
