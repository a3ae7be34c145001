// Runs external allocators by Ganeti's iallocator protocol: input as JSON in a file, the answer as JSON on standard output.

import * as z from 'zod';
import { askProgram, findExecutable } from '../base/ask-program.ts';
import { MerapiError } from '../base/errors.ts';
import { faultTexts } from '../base/schema-words.ts';

/** How long an allocator may run, in milliseconds. */
const TIME_LIMIT = 120_000;
/** The longest answer of an allocator, in characters. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

/** The answer of every allocator; the form of `result` depends on the type of the request. */
export const IallocatorOutput = z.object({
  success: z.boolean(),
  info: z.string(),
  result: z.unknown(),
});
export type IallocatorOutput = z.infer<typeof IallocatorOutput>;

/** The executable of an allocator: the first with this name in the folders; null when there is none or the name is not a file name. */
export async function findIallocator(folders: readonly string[], name: string): Promise<string | null> {
  return /^[\w][\w.+-]*$/.test(name) ? findExecutable(folders, name) : null;
}

/** Parameters as arguments of a program: `--name=value`, or `--name` for null, true and an empty text. */
export function iallocatorArguments(params: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(params).map(([name, value]) =>
    value === null || value === '' || value === true ? `--${name}` : `--${name}=${String(value)}`,
  );
}

/**
 * Runs an allocator and returns its answer without parsing it. The input is in a file of mode 0600, whose path is the first argument.
 * @throws MerapiError environment_error, timeout, execution when it cannot be run, fails or answers too much
 */
export async function runIallocator(path: string, input: object, args: readonly string[]): Promise<string> {
  const limits = { timeout: TIME_LIMIT, longest: LONGEST_ANSWER };
  const { code, signal, stderr, text } = await askProgram(path, JSON.stringify(input), args, limits);
  if (code === 0 && text !== null) return text;
  const how = code === null ? `was ended by ${signal}` : `failed with exit code ${code}`;
  const lastLines = stderr.trim().split('\n').slice(-5).join('; ');
  const failure = lastLines ? `${how}: ${lastLines}` : how;
  const problem = text === null ? `answers more than ${LONGEST_ANSWER} characters` : failure;
  throw new MerapiError('execution', `The allocator ${path} ${problem}`);
}

/** Parses an answer. @throws MerapiError execution when it does not have the form of the protocol */
export function parseIallocatorOutput(path: string, text: string): IallocatorOutput {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new MerapiError(
      'execution',
      `The allocator ${path} does not answer in JSON: ${text.slice(0, 200)}`,
      {
        cause,
      },
    );
  }
  return checkedAnswer(`The allocator ${path}`, IallocatorOutput, content);
}

/** Checks a part of an answer against a schema. `who` is the subject of the message. @throws MerapiError execution with its faults */
export function checkedAnswer<S extends z.ZodType>(who: string, schema: S, content: unknown): z.infer<S> {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = faultTexts(schema, parsed.error.issues, content);
  throw new MerapiError('execution', `${who} answers in a wrong format: ${problems.slice(0, 3).join('; ')}`);
}
