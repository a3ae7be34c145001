// `cp`: copies files and folders between this machine and a guest, with their checksums compared at the end. A path in the guest begins
// with a colon. Folders travel as a tar archive, which the guest's own tar packs and unpacks.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CommandFailed } from '../../../app/command-failed.ts';
import { MerapiError } from '../../../base/errors.ts';
import { startProgram } from '../../../base/exec.ts';
import type { Guest } from './target.ts';

/** Milliseconds between two lines of progress. */
const PAUSE = 500;

/** What was copied, for --json. */
export interface Copied {
  bytes: number;
  sha256: string;
  from: string;
  to: string;
}

/** Copies from a path to another; exactly one of them is in the guest. @throws MerapiError wrong_input, CommandFailed, RefusedError */
export async function copy(guest: Guest, from: string, to: string, recursive: boolean): Promise<Copied> {
  const [isOut, isIn] = [from.startsWith(':'), to.startsWith(':')];
  if (isOut === isIn)
    throw new MerapiError(
      'wrong_input',
      'One of the two paths must be in the guest and begin with a colon, e.g. :/etc/hosts',
    );
  const [source, target] = isOut ? [from.slice(1), to] : [from, to.slice(1)];
  if (recursive) return isOut ? folderOut(guest, source, target) : folderIn(guest, source, target);
  return isOut ? fileOut(guest, source, target) : fileIn(guest, source, target);
}

async function fileOut(guest: Guest, source: string, target: string): Promise<Copied> {
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(target, basename(source)) : target;
  const partial = `${file}.merapi-partial`;
  const counter = new Counter(null);
  try {
    await pipeline(
      guest.client.read(guest.at('/file', { path: source })),
      counter.through,
      createWriteStream(partial),
    );
    await compare(guest, source, counter.sha256);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
    counter.end();
  }
  return { bytes: counter.bytes, sha256: counter.sha256, from: source, to: file };
}

async function fileIn(guest: Guest, source: string, target: string): Promise<Copied> {
  const { size } = await stat(source);
  const path = target.endsWith('/') ? `${target}${basename(source)}` : target;
  return sendIn(guest, createReadStream(source), { path, size, from: source });
}

async function sendIn(
  guest: Guest,
  data: Readable,
  { path, size, from }: { path: string; size: number | null; from: string },
): Promise<Copied> {
  const counter = new Counter(size);
  const body = Readable.from(counter.through(data), { objectMode: false });
  try {
    const id = (await guest.client.send('PUT', guest.at('/file', { path }), body)) as number;
    await guest.ended(id);
  } finally {
    counter.end();
  }
  await compare(guest, path, counter.sha256);
  return { bytes: counter.bytes, sha256: counter.sha256, from, to: path };
}

/** Compares the checksum with that of the file in the guest, if the guest can make one. @throws CommandFailed when they differ */
async function compare(guest: Guest, path: string, wanted: string): Promise<void> {
  const program = await guest.run(['/bin/sh', '-c', 'sha256sum <"$1"', 'merapi', path]).catch(() => null);
  const found = /^[0-9a-f]{64}/.exec(Buffer.from(program?.out ?? '', 'base64').toString('latin1'))?.[0];
  if (found === undefined)
    process.stderr.write('merapi: the guest has no sha256sum, so the copy was not compared\n');
  else if (found !== wanted)
    throw new CommandFailed(
      `${path} in the guest is not the same: it was changed meanwhile, or the copy failed`,
    );
}

async function folderIn(guest: Guest, source: string, target: string): Promise<Copied> {
  const file = guest.temporary('cp');
  const tar = startProgram('tar', ['-C', source, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(tar, 'exit');
  try {
    const copied = await sendIn(guest, tar.stdout as Readable, { path: file, size: null, from: source });
    const [code] = (await exit) as [number | null];
    if (code !== 0) throw new CommandFailed(`tar ended with ${code}`);
    await guest.shell('mkdir -p "$1" && tar -C "$1" -xf "$2"', target, file);
    return { ...copied, to: target };
  } finally {
    await guest.run(['/bin/rm', '-f', file]).catch(() => undefined);
  }
}

async function folderOut(guest: Guest, source: string, target: string): Promise<Copied> {
  const file = guest.temporary('cp');
  const counter = new Counter(null);
  try {
    await guest.shell('tar -C "$1" -cf "$2" .', source, file);
    await mkdir(target, { recursive: true });
    const tar = startProgram('tar', ['-C', target, '-xf', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    const exit = once(tar, 'exit');
    if (!tar.stdin) throw new MerapiError('internal_error', 'tar has no standard input');
    await pipeline(guest.client.read(guest.at('/file', { path: file })), counter.through, tar.stdin);
    const [code] = (await exit) as [number | null];
    if (code !== 0) throw new CommandFailed(`tar ended with ${code}`);
    await compare(guest, file, counter.sha256);
  } finally {
    await guest.run(['/bin/rm', '-f', file]).catch(() => undefined);
    counter.end();
  }
  return { bytes: counter.bytes, sha256: counter.sha256, from: source, to: target };
}

/** Counts bytes on their way, makes their checksum, and shows the progress on a terminal. */
class Counter {
  readonly #hash = createHash('sha256');
  readonly #total: number | null;
  #sum: string | null = null;
  #shown = 0;
  bytes = 0;

  /** @param total the number of bytes that are expected; null when it is not known */
  constructor(total: number | null) {
    this.#total = total;
  }

  get sha256(): string {
    this.#sum ??= this.#hash.digest('hex');
    return this.#sum;
  }

  readonly through = async function* (this: Counter, data: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of data) {
      this.bytes += chunk.length;
      this.#hash.update(chunk);
      this.#show();
      yield chunk;
    }
  }.bind(this);

  /** Ends the line of the progress. */
  end(): void {
    if (this.#shown > 0) process.stderr.write('\n');
    this.#shown = 0;
  }

  #show(): void {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#shown < PAUSE) return;
    this.#shown = now;
    const part = this.#total ? ` (${Math.floor((this.bytes * 100) / this.#total)} %)` : '';
    process.stderr.write(`\r${(this.bytes / 1024 ** 2).toFixed(1)} MiB${part}`);
  }
}
