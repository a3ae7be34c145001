import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { cannotRun, runOrThrow, startProgram } from '../base/exec.ts';
import { endsWithin } from '../base/within.ts';

/** The largest size in bytes of each of the two files of a log: the log itself and NAME.1, which is older. */
export const LOG_FILE_LIMIT = 1024 * 1024;

/** The writer copies this many bytes between two looks at the file's size, in reads of at most `block` bytes. */
const part = { block: 256, blocks: 1024 };

/**
 * The writer: copies its standard input to the log $1. Small reads are written at once, so that the log shows every word.
 * A file that the next part could bring over the limit becomes NAME.1. What cannot be written, as on a full disk, is read
 * and dropped, so that nobody waits for the writer. It ends with its input.
 */
const WRITER = `umask 077
while :; do
  said=$(dd bs=${part.block} count=${part.blocks} 2>&1 >>"$1") ||
    said=$(dd bs=${part.block} count=${part.blocks} 2>&1 >/dev/null) || exit
  case $said in '0+0 '*) exit ;; esac
  size=$(wc -c <"$1") && [ "$size" -gt ${LOG_FILE_LIMIT - part.block * part.blocks} ] && mv -f "$1" "$1.1"
done`;

/** Milliseconds that ended() waits for the writer. */
const END_TIMEOUT = 5000;

/**
 * A log that a program outside our control fills, and that never takes more than two files of LOG_FILE_LIMIT. The program
 * writes to a pipe, and a small process of its own copies from it to the file: so the limit holds whether this process
 * lives or not, and the writer ends when nobody has the pipe open for writing any more.
 */
export class CappedLog {
  /** The name of the pipe, for a program that opens it by itself. It stands until close(). */
  readonly pipe: string;
  readonly #writer: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Keeps the pipe open both ways until close(), so that neither opening it blocks nor the writer ends early. */
  readonly #keeper: FileHandle;
  #closed = false;

  private constructor(pipe: string, keeper: FileHandle, writer: ChildProcess) {
    this.pipe = pipe;
    this.#keeper = keeper;
    this.#writer = writer;
    this.#ended = once(writer, 'exit').catch(() => undefined);
  }

  /**
   * Begins a new log at `path`; what was there is gone.
   * @throws MerapiError environment_error when the programs of the system that it needs cannot be run
   */
  static async open(path: string): Promise<CappedLog> {
    const pipe = `${path}.pipe`;
    for (const old of [pipe, `${path}.1`]) await rm(old, { force: true });
    await runOrThrow('mkfifo', ['-m', '600', pipe]);
    const keeper = await open(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      await (await open(path, 'w', 0o600)).close();
      return new CappedLog(pipe, keeper, await startWriter(path, pipe));
    } catch (error) {
      await keeper.close();
      await rm(pipe, { force: true });
      throw error;
    }
  }

  /** An end of the pipe to hand to a program as its output; what does not fit while the writer is behind is lost. */
  input(): Promise<FileHandle> {
    return open(this.pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  }

  /** Lets go of the pipe, whose name goes; programs that have it open write on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#keeper.close();
    await rm(this.pipe, { force: true });
  }

  /** After close(): resolves when all that the programs wrote is in the file, or after 5 s when one has not ended. */
  async ended(): Promise<void> {
    if (this.#writer.exitCode !== null || this.#writer.signalCode !== null) return;
    await endsWithin(this.#ended, END_TIMEOUT, systemClock);
  }
}

async function startWriter(path: string, pipe: string): Promise<ChildProcess> {
  const source = await open(pipe, 'r');
  try {
    const args = ['-c', WRITER, 'merapi-log', path];
    const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    const stdio = [source.fd, 'ignore' as const, 'ignore' as const];
    const writer = startProgram('/bin/sh', args, { detached: true, stdio, cwd: '/', env });
    await new Promise<void>((resolve, reject) => {
      writer.once('spawn', () => resolve());
      writer.once('error', (cause) => reject(cannotRun('/bin/sh', args, { env }, cause)));
    });
    writer.unref();
    return writer;
  } finally {
    await source.close();
  }
}

/** The last `length` bytes of a log, over both its files; empty when there is none. */
export async function readLogEnd(path: string, length: number): Promise<string> {
  const newer = await readEnd(path, length);
  const older = newer.length < length ? await readEnd(`${path}.1`, length - newer.length) : Buffer.alloc(0);
  return Buffer.concat([older, newer]).toString('utf8');
}

async function readEnd(path: string, length: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const wanted = Math.min(size, length);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, size - wanted);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
