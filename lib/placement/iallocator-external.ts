import * as z from 'zod';
import { askProgram, findExecutable } from '../base/ask-program.ts';
import { MerapiError } from '../base/errors.ts';
import { faultTexts } from '../base/schema-words.ts';

/** How long an allocator may think, in milliseconds. */
const TIME_LIMIT = 120_000;
/** The most that it may answer, in characters. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

/** What every allocator answers; the form of the result depends on what was asked. */
export const IallocatorOutput = z.object({
  success: z.boolean(),
  info: z.string(),
  result: z.unknown(),
});
export type IallocatorOutput = z.infer<typeof IallocatorOutput>;

/** The executable of an allocator: the first of its name in these folders; null when there is none. */
export async function findIallocator(folders: readonly string[], name: string): Promise<string | null> {
  return /^[\w][\w.+-]*$/.test(name) ? findExecutable(folders, name) : null;
}

/** Parameters as a program's arguments: `--name=value`, or `--name` where there is no value. */
export function iallocatorArguments(params: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(params).map(([name, value]) =>
    value === null || value === '' || value === true ? `--${name}` : `--${name}=${String(value)}`,
  );
}

/**
 * Runs an allocator with the question in a file that only it and we can read, and gives its answer as it is.
 * @throws MerapiError environment_error, timeout, execution when it does not run or fails
 */
export async function runIallocator(path: string, input: object, args: readonly string[]): Promise<string> {
  const limits = { timeout: TIME_LIMIT, longest: LONGEST_ANSWER };
  const { code, signal, stderr, text } = await askProgram(path, JSON.stringify(input), args, limits);
  if (code === 0 && text !== null) return text;
  const how = code === null ? `was ended by ${signal}` : `failed with exit code ${code}`;
  const words = stderr.trim().split('\n').slice(-5).join('; ');
  const trouble = text === null ? 'answers too much' : `${how}${words ? `: ${words}` : ''}`;
  throw new MerapiError('execution', `The allocator ${path} ${trouble}`);
}

/** @throws MerapiError execution when an answer is not in the form of the protocol */
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

/** A part of an answer in its form. @throws MerapiError execution telling what is wrong with it */
export function checkedAnswer<S extends z.ZodType>(who: string, schema: S, content: unknown): z.infer<S> {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = faultTexts(schema, parsed.error.issues, content);
  throw new MerapiError('execution', `${who} answers in a wrong form: ${problems.slice(0, 3).join('; ')}`);
}
