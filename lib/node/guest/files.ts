// Files of guests, read and written in chunks. What is written arrives first in a file of the worker (an upload), so that a job that
// writes it survives restarts of the master and of the worker, and holds no content itself.
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { unattended } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { FILE_CHUNK } from '../../model/guest-agent/commands.ts';
import type { Tell } from '../../model/progress.ts';
import { spaceOf } from '../storage/space.ts';
import type { GuestAgent } from './agent.ts';
import { ownPath, removeOld } from './own-files.ts';

/** The most bytes of one upload. */
const LONGEST = 64 * 1024 ** 3;
/** MiB that uploads leave free on their disk. */
const ROOM = 1024;
/** Milliseconds after which an upload that no job has used is removed, and an open file that nobody reads is closed. */
const UPLOAD_KEPT = 24 * 3600_000;
const IDLE = 60_000;
/** How many files may be open in one guest. */
const MOST_OPEN = 32;

/** The files that are open in guests for reading. */
export class GuestFiles {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** The timer that closes a file, by guest and handle. */
  readonly #open = new Map<string, Timer>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens a file for reading from an offset in bytes; it is closed when it is not read for a while. Returns the agent's handle. */
  async open(
    uuid: string,
    agent: GuestAgent,
    { path, offset, signal }: { path: string; offset: number; signal?: AbortSignal },
  ): Promise<number> {
    const ofGuest = [...this.#open.keys()].filter((key) => key.startsWith(`${uuid} `));
    if (ofGuest.length >= MOST_OPEN)
      throw new MerapiError('unavailable', `${MOST_OPEN} files of the guest are being read; try again later`);
    const handle = Number(
      await agent.execute('guest-file-open', { path, mode: 'r' }, { signal, hidden: [] }),
    );
    this.#watch(uuid, agent, handle);
    try {
      if (offset > 0) await agent.execute('guest-file-seek', { handle, offset, whence: 0 }, { signal });
      return handle;
    } catch (error) {
      await this.close(uuid, agent, handle);
      throw error;
    }
  }

  /** The next bytes of an open file, at most `count`, in base64. @throws MerapiError not_found when it is not open */
  async read(
    uuid: string,
    agent: GuestAgent,
    { handle, count, signal }: { handle: number; count: number; signal?: AbortSignal },
  ): Promise<{ data: string; eof: boolean }> {
    if (!this.#open.has(`${uuid} ${handle}`))
      throw new MerapiError('not_found', `The guest has no open file ${handle}`);
    this.#watch(uuid, agent, handle);
    const answer = await agent.execute(
      'guest-file-read',
      { handle, count: Math.min(count, FILE_CHUNK) },
      { signal },
    );
    return { data: answer['buf-b64'], eof: answer.eof };
  }

  /** Closes a file; one that is not open is no error. */
  async close(uuid: string, agent: GuestAgent, handle: number): Promise<void> {
    const key = `${uuid} ${handle}`;
    this.#open.get(key)?.cancel();
    if (this.#open.delete(key)) await agent.execute('guest-file-close', { handle }).catch(() => undefined);
  }

  /** Forgets the open files of a guest that has ended. */
  ended(uuid: string): void {
    for (const [key, timer] of this.#open)
      if (key.startsWith(`${uuid} `)) {
        timer.cancel();
        this.#open.delete(key);
      }
  }

  #watch(uuid: string, agent: GuestAgent, handle: number): void {
    const key = `${uuid} ${handle}`;
    this.#open.get(key)?.cancel();
    const close = () =>
      unattended('closing a file of a guest', this.#log, () => this.close(uuid, agent, handle));
    this.#open.set(key, this.#clock.timer(IDLE, close).unref());
  }
}

/** What jobs are to write to files of guests, in a folder of the worker. */
export class Uploads {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Removes uploads that no job has used. */
  open(): Promise<void> {
    return removeOld(this.#folder, UPLOAD_KEPT, this.#clock);
  }

  /**
   * Adds bytes at the end of an upload, which begins with offset 0; returns its size. Bytes that it has already are left out, so that
   * a call can be repeated. @throws MerapiError wrong_input, too_large, insufficient_resources
   */
  async append(id: string, offset: number, data: Buffer): Promise<number> {
    const path = this.#path(id);
    if (offset + data.length > LONGEST)
      throw new MerapiError('too_large', `A file for a guest may have ${LONGEST / 1024 ** 3} GiB`);
    const { free } = await spaceOf(this.#folder);
    if (free < ROOM)
      throw new MerapiError(
        'insufficient_resources',
        `The node has less than ${ROOM} MiB left for files of guests`,
      );
    const file = await open(path, offset === 0 ? 'w' : 'r+', 0o600);
    try {
      const { size } = await file.stat();
      if (size < offset)
        throw new MerapiError(
          'wrong_input',
          `The upload has ${size} bytes, so none can be added at ${offset}`,
        );
      await file.write(data, 0, data.length, offset);
      await file.truncate(offset + data.length);
      return offset + data.length;
    } finally {
      await file.close();
    }
  }

  /**
   * Writes an upload to a file of a guest: in place of its content, or after it with `append`.
   * @throws MerapiError not_found when the upload is not here, execution when it is not what was sent; and as GuestAgent.execute()
   */
  async write(
    agent: GuestAgent,
    id: string,
    target: { path: string; append: boolean; size: number; checksum: string },
    { signal, tell }: { signal: AbortSignal; tell: Tell },
  ): Promise<void> {
    const { path, append, size, checksum } = target;
    const file = await open(this.#path(id), 'r').catch((cause) => {
      throw new MerapiError('not_found', 'The content of the file is not on this node; send it again', {
        cause,
      });
    });
    try {
      const hash = createHash('sha256');
      for await (const chunk of file.createReadStream({ autoClose: false, start: 0 }))
        hash.update(chunk as Buffer);
      if ((await file.stat()).size !== size || hash.digest('hex') !== checksum)
        throw new MerapiError('execution', 'The content of the file did not arrive whole; send it again');
      const options = { signal, hidden: [path] };
      const handle = Number(
        await agent.execute('guest-file-open', { path, mode: append ? 'a' : 'w' }, options),
      );
      try {
        const buffer = Buffer.alloc(FILE_CHUNK);
        for (let done = 0; done < size; ) {
          const { bytesRead } = await file.read(buffer, 0, FILE_CHUNK, done);
          await writeAll(agent, handle, buffer.subarray(0, bytesRead), signal);
          done += bytesRead;
          tell({ text: 'writing a file of the guest', done, total: size });
        }
        await agent.execute('guest-file-flush', { handle }, { signal });
      } finally {
        await agent.execute('guest-file-close', { handle }).catch(() => undefined);
      }
    } finally {
      await file.close();
    }
  }

  /** Removes an upload; one that is not there is no error. */
  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return ownPath(this.#folder, id, 'upload');
  }
}

/** The agent may take less than it gets. */
async function writeAll(agent: GuestAgent, handle: number, data: Buffer, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const part = data.subarray(at);
    const { count } = await agent.execute(
      'guest-file-write',
      { handle, 'buf-b64': part.toString('base64') },
      { signal },
    );
    const written = Number(count);
    if (written <= 0 || written > part.length)
      throw new MerapiError('guest_agent', `The guest agent wrote ${written} of ${part.length} bytes`);
    at += written;
  }
}
