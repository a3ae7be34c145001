// `exec`: runs a program in a guest. The agent gives a program's output only when it has ended, so where the guest has a shell, the output
// goes to two files of the guest, which are read while the program runs.
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailed } from '../../../app/command-failed.ts';
import type { Json } from '../../../base/json.ts';
import { RefusedError } from '../../../client/client.ts';
import { exitCodeOf, type Guest, type Program } from './target.ts';

/** Milliseconds between two looks at the output. */
const PAUSE = 200;
/** The most bytes of standard input that are passed in the request itself. */
const MOST_INPUT = 1024 * 1024;

/** Writes its output to files of the folder $1, its pid to a third one, and becomes the program. */
const WRAPPER =
  'd=$1; shift; umask 077; mkdir "$d" && : >"$d/out" && : >"$d/err" && exec "$@" >"$d/out" 2>"$d/err"';

export interface ExecOptions {
  env?: string[];
  timeout?: number;
  /** Whether the output is shown while the program runs. */
  stream: boolean;
  json?: boolean;
  /** Its standard input; by default that of this process. */
  input?: Buffer;
}

/** Runs a program with this process's input and output; returns its exit code. @throws CommandFailed, RefusedError */
export async function execute(guest: Guest, argv: readonly string[], options: ExecOptions): Promise<number> {
  const input = options.input ?? (process.stdin.isTTY ? Buffer.alloc(0) : await buffer(process.stdin));
  if (input.length > MOST_INPUT)
    throw new CommandFailed(
      `The standard input has ${input.length} bytes; at most ${MOST_INPUT} can be passed. Copy a file instead (cp)`,
    );
  const body: { [key: string]: Json } = {
    ...(options.env ? { env: options.env } : {}),
    ...(input.length > 0 ? { input: input.toString('base64') } : {}),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  };
  const canStream = options.stream && !options.json && (await hasShell(guest));
  return canStream ? streamed(guest, argv, body) : atOnce(guest, argv, body, options.json);
}

async function hasShell(guest: Guest): Promise<boolean> {
  try {
    for await (const _ of guest.client.read(guest.at('/file', { path: '/bin/sh', count: '1' }))) return true;
    return false;
  } catch (error) {
    if (error instanceof RefusedError) return false; // no such file, or no right to read files
    throw error;
  }
}

/** Runs it to its end, then shows its output. */
async function atOnce(
  guest: Guest,
  argv: readonly string[],
  body: { [key: string]: Json },
  asJson?: boolean,
): Promise<number> {
  const { pid, exited } = (await guest.change('POST', '/exec', {
    ...body,
    argv: [...argv],
  })) as unknown as Program;
  const program = (await guest.read(`/exec/${pid}`)) as unknown as Program;
  if (asJson) process.stdout.write(`${JSON.stringify(program, null, 2)}\n`);
  else {
    process.stdout.write(Buffer.from(program.out, 'base64'));
    process.stderr.write(Buffer.from(program.err, 'base64'));
    if (program.out_truncated || program.err_truncated)
      process.stderr.write('merapi: the agent has kept only a part of the output\n');
  }
  if (!exited) throw new CommandFailed(`The program ${pid} still runs in the guest`);
  return exitCodeOf(program);
}

async function streamed(
  guest: Guest,
  argv: readonly string[],
  body: { [key: string]: Json },
): Promise<number> {
  const folder = guest.temporary('exec');
  const wrapped = ['/bin/sh', '-c', WRAPPER, 'merapi', folder, ...argv];
  const id = (await guest.client.ask('POST', guest.at('/exec'), {
    ...body,
    argv: wrapped,
    capture: false,
  })) as number;
  const ended = guest.ended(id);
  ended.catch(() => undefined);
  const outputs = [
    new Tail(guest, `${folder}/out`, process.stdout),
    new Tail(guest, `${folder}/err`, process.stderr),
  ];
  const over = new AbortController();
  ended.then(
    () => over.abort(),
    () => over.abort(),
  );
  try {
    while (!over.signal.aborted) {
      for (const output of outputs) await output.advance();
      await sleep(PAUSE, undefined, { signal: over.signal }).catch(() => undefined);
    }
    const program = (await ended) as unknown as Program;
    for (const output of outputs) await output.advance();
    if (!program.exited) throw new CommandFailed(`The program ${program.pid} still runs in the guest`);
    return exitCodeOf(program);
  } finally {
    await guest.run(['/bin/rm', '-rf', folder]).catch(() => undefined);
  }
}

/** A file of the guest that grows, copied to a stream of this process. */
class Tail {
  readonly #guest: Guest;
  readonly #path: string;
  readonly #to: NodeJS.WritableStream;
  #done = 0;

  constructor(guest: Guest, path: string, to: NodeJS.WritableStream) {
    this.#guest = guest;
    this.#path = path;
    this.#to = to;
  }

  /** Copies what has come since. */
  async advance(): Promise<void> {
    try {
      const args = { path: this.#path, offset: String(this.#done) };
      for await (const chunk of this.#guest.client.read(this.#guest.at('/file', args))) {
        this.#done += chunk.length;
        this.#to.write(chunk);
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error; // it is not there yet
    }
  }
}
