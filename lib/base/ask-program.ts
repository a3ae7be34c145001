// Runs external programs configured by the administrator (such as an allocator): each gets its input in a private temporary file, whose
// path is its first argument, and writes its answer to standard output. The file is removed whatever happens.
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

/** The limits of one run. */
interface Limits {
  /** Milliseconds until the program is killed. */
  timeout: number;
  /** The longest output that is accepted, in characters. */
  longest: number;
}

/**
 * Runs a program with `question` in a file of mode 0600, whose path is its first argument; `args` follow. Any exit code is a result.
 * `text` is the program's standard output; null when it is longer than the limit.
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

/** Collects the output of a program; when it exceeds the limit, all of it is dropped and the rest is read and ignored. */
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
