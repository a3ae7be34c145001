// Log files of bounded size for programs outside our control, e.g. QEMU or scripts of an OS definition. A small shell process copies
// from a named pipe to the file and rotates it, so output is written, and the limit holds, also while the worker is down.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import { cannotRun, startProgram } from '../base/exec.ts';
import { endsWithin } from '../base/within.ts';

/** The maximum size in bytes of each of the two files of a log: the log itself, and the older NAME.1. */
export const LOG_FILE_LIMIT = 1024 * 1024;

/** The writer checks the file's size after each chunk of `blocks` reads of at most `block` bytes. */
const chunk = { block: 256, blocks: 1024 };

/**
 * The shell script of the writer. It makes the pipe $2 and reports that on its standard output, and holds the pipe open for writing until its
 * standard input ends: when this process has opened the pipe, or has died before. (The shell makes the pipe, because to start a program is
 * far dearer for this process, which is larger.) Then it copies from the pipe to the log $1. Small blocks make output visible at once. A
 * file that the next chunk could bring over the limit is renamed to NAME.1. What cannot be written, e.g. because the disk is full, is read and
 * dropped, so that the program never blocks on its output. The writer ends at the end of its input, which dd reports as `0+0` records.
 */
const WRITER = `umask 077
mkfifo -m 600 "$2" && exec 3<>"$2" 4<&0 <"$2" || exit
echo ready
read -r opened <&4
exec 3>&- 4<&- >/dev/null 2>&1
while :; do
  report=$(dd bs=${chunk.block} count=${chunk.blocks} 2>&1 >>"$1") ||
    report=$(dd bs=${chunk.block} count=${chunk.blocks} 2>&1 >/dev/null) || exit
  case $report in '0+0 '*) exit ;; esac
  size=$(wc -c <"$1") && [ "$size" -gt ${LOG_FILE_LIMIT - chunk.block * chunk.blocks} ] && mv -f "$1" "$1.1"
done`;

/** How much of the shell's error messages an error repeats, in characters. */
const COMPLAINT_LENGTH = 500;

/** Milliseconds that ended() waits for the writer. */
const END_TIMEOUT = 5000;

/**
 * A log that another program writes, of at most two files of LOG_FILE_LIMIT bytes. The program writes to a pipe, and a separate
 * process copies from it to the file, so the limit holds even after this process has ended. The writer ends when no process
 * has the pipe open for writing any more.
 */
export class CappedLog {
  /** The path of the pipe, for a program that opens it by itself; it exists until close(). */
  readonly pipe: string;
  readonly #writer: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Keeps the pipe open for reading and writing until close(), so that opening it does not block and the writer does not end early. */
  readonly #holder: FileHandle;
  #closed = false;

  private constructor(pipe: string, holder: FileHandle, writer: ChildProcess) {
    this.pipe = pipe;
    this.#holder = holder;
    this.#writer = writer;
    this.#ended = once(writer, 'exit').catch(() => undefined);
  }

  /**
   * Starts a new log at `path`; an earlier one is removed.
   * @throws MerapiError environment_error when mkfifo or the shell cannot be run, execution when the pipe cannot be made
   */
  static async open(path: string): Promise<CappedLog> {
    const pipe = `${path}.pipe`;
    for (const old of [pipe, `${path}.1`]) await rm(old, { force: true });
    await (await open(path, 'w', 0o600)).close();
    const writer = await startWriter(path, pipe);
    try {
      return new CappedLog(pipe, await open(pipe, constants.O_RDWR | constants.O_NONBLOCK), writer);
    } catch (error) {
      await rm(pipe, { force: true });
      throw error;
    } finally {
      for (const stream of writer.stdio) stream?.destroy();
      writer.unref();
    }
  }

  /** Opens the pipe for writing, to be passed to a program as its output. It does not block: output that the writer is too slow for is lost. */
  input(): Promise<FileHandle> {
    return open(this.pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  }

  /** Closes and removes the pipe. Programs that have it open keep writing, and the writer keeps copying, until they end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#holder.close();
    await rm(this.pipe, { force: true });
  }

  /** To be called after close(): resolves when all output of the programs is in the file, or after 5 s if one of them still runs. */
  async ended(): Promise<void> {
    if (this.#writer.exitCode !== null || this.#writer.signalCode !== null) return;
    await endsWithin(this.#ended, END_TIMEOUT, systemClock);
  }
}

/**
 * Starts the writer in a session of its own, so that it outlives this process, and waits until it has made the pipe.
 * @throws MerapiError environment_error, execution
 */
async function startWriter(path: string, pipe: string): Promise<ChildProcess> {
  const args = ['-c', WRITER, 'merapi-log', path, pipe];
  const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const writer = startProgram('/bin/sh', args, { detached: true, stdio: 'pipe', cwd: '/', env });
  await new Promise<void>((resolve, reject) => {
    let complaint = '';
    writer.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, COMPLAINT_LENGTH);
    });
    writer.stdin?.on('error', () => undefined); // the writer has ended: `close` tells it
    writer.stdout?.once('data', () => resolve());
    writer.once('error', (cause) => reject(cannotRun('/bin/sh', args, { env }, cause)));
    writer.once('close', () =>
      reject(new MerapiError('execution', `Cannot make the pipe ${pipe} of a log: ${complaint.trim()}`)),
    );
  });
  return writer;
}

/** The last `length` bytes of a log across both of its files, as UTF-8; empty when there is no log. */
export async function readLogEnd(path: string, length: number): Promise<string> {
  const newer = await readEnd(path, length);
  const older = newer.length < length ? await readEnd(`${path}.1`, length - newer.length) : Buffer.alloc(0);
  return Buffer.concat([older, newer]).toString('utf8');
}

/** The last `length` bytes of one file; empty when it does not exist. */
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
