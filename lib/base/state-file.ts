import { readFile, rm } from 'node:fs/promises';
import type * as z from 'zod';
import { MerapiError } from './errors.ts';
import { writeFileDurably } from './files.ts';
import { parseJson, stringifyJson } from './json.ts';

/** The key under which a file says in which version of its format it is; files of the first version do not say it. */
const FORMAT = 'format';

/** A kind of file that outlives its process: what this Merapi understands of it, and what to do about one that it does not. */
export interface StateFormat<T> {
  /** What such a file holds, e.g. 'the record of a guest'. */
  readonly what: string;
  /** What a person does about a file that cannot be understood, as an order: 'remove it …'. */
  readonly remedy: string;
  /** The version that is written: 1 for the first. Every older one must fit the schema too. */
  readonly version: number;
  readonly schema: z.ZodType<T>;
}

/**
 * The text of a file of the state; null when there is none.
 * @throws MerapiError configuration, naming the file and the remedy, when it cannot be read or is no text
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
    throw refused(path, format, 'it is no text in UTF-8', cause);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EISDIR: 'a folder is in its place',
  ENOTDIR: 'a part of its path is no folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'it is a link that leads to itself',
  EIO: 'the disk cannot be read',
};

/**
 * What a file of the state holds; null when there is none. Nothing is guessed: what is not understood stays as it is.
 * @throws MerapiError configuration, naming the file, what is wrong with it and the remedy
 */
export async function readStateFile<T>(path: string, format: StateFormat<T>): Promise<T | null> {
  const text = await readStateText(path, format);
  return text === null ? null : parseState(path, text, format);
}

/** What the text of a file of the state says. @throws MerapiError configuration, as readStateFile() */
export function parseState<T>(path: string, text: string, format: StateFormat<T>): T {
  if (text.trim() === '') throw refused(path, format, 'it is empty');
  let content: unknown;
  try {
    content = parseJson(text);
  } catch (cause) {
    throw refused(path, format, 'it is no JSON, or only a part of it', cause);
  }
  const version = versionOf(content);
  if (version === null) throw refused(path, format, `its '${FORMAT}' is no number from 1 on`);
  if (version > format.version)
    throw refused(
      path,
      format,
      `it is of a newer Merapi (format ${version}; this one knows up to ${format.version})`,
    );
  const parsed = format.schema.safeParse(withoutVersion(content));
  if (parsed.success) return parsed.data;
  throw refused(path, format, wrongPart(parsed.error), parsed.error);
}

/** Writes a file of the state: after any crash the old or the new one is there, whole. */
export async function writeStateFile<T>(path: string, format: StateFormat<T>, value: T): Promise<void> {
  await writeFileDurably(path, stateText(format, value), 0o600);
}

/** Removes a file of the state, if there is one. @throws MerapiError configuration when something else is in its place */
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

/** The text of a file of the state. */
export function stateText<T>({ version }: StateFormat<T>, value: T): string {
  return `${stringifyJson({ [FORMAT]: version, ...(value as object) })}\n`;
}

function isObject(content: unknown): content is Record<string, unknown> {
  return typeof content === 'object' && content !== null && !Array.isArray(content);
}

/** The version that a content says; 1 where it says none, null where that is no version. */
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

/** Names the first part that is not as it should be; not its value, which may be secret. */
function wrongPart(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = (issue?.path ?? []).map(String).join('.');
  if (path !== '') return `its part '${path}' is missing, or has a value that is not known here`;
  return issue?.code === 'unrecognized_keys'
    ? `its part '${issue.keys[0]}' is not known here`
    : 'it holds something else';
}

function refused(
  path: string,
  { what, remedy }: Pick<StateFormat<unknown>, 'what' | 'remedy'>,
  why: string,
  cause?: unknown,
): MerapiError {
  return new MerapiError('configuration', `${path} (${what}) cannot be used: ${why}; ${remedy}`, { cause });
}
