// Programs of the administrator that get a question in a file and write the answer.
import { constants } from 'node:fs';
import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type ExecResult, run } from './exec.ts';

/** The executable of this name in the first of the folders that has one; null when none has. */
export async function findExecutable(folders: readonly string[], name: string): Promise<string | null> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return false;
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What a program may take. */
interface Limits {
  /** How long it may run, in milliseconds. */
  timeout: number;
  /** The most that it may write, in characters. */
  longest: number;
}

/**
 * Runs a program with the question in a file that only it and we can read, named by its first argument. `text` is what it wrote;
 * null when that is too long.
 * @throws MerapiError environment_error, timeout
 */
export async function askProgram(
  path: string,
  question: string,
  args: readonly string[],
  { timeout, longest }: Limits,
): Promise<Pick<ExecResult, 'code' | 'signal' | 'stderr'> & { text: string | null }> {
  const folder = await mkdtemp(join(tmpdir(), 'merapi-question-'));
  try {
    const file = join(folder, 'input.json');
    await writeFile(file, question, { mode: 0o600 });
    const output = new Output(longest);
    const { code, signal, stderr } = await run(path, [file, ...args], {
      timeout,
      pipes: (stdin, stdout) => {
        stdin.end();
        output.read(stdout);
      },
    });
    return { code, signal, stderr, text: output.text };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a program writes, up to a limit. */
class Output {
  readonly #longest: number;
  text: string | null = '';

  constructor(longest: number) {
    this.#longest = longest;
  }

  read(stream: Readable): void {
    stream.setEncoding('utf8').on('data', (part: string) => {
      if (this.text !== null)
        this.text = this.text.length + part.length > this.#longest ? null : this.text + part;
    });
  }
}
