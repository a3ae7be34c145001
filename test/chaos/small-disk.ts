import { cp, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { layoutOf } from '../../lib/app/layout.ts';
import { runOrThrow } from '../../lib/base/exec.ts';

const SIZE = '96m';
const FILLER = 'filler';
const MIB = 1024 * 1024;

/** A small file system in memory for the master's folder, so that it can be filled. Only root can make one. */
export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Mounts one on a folder, which is made. @throws MerapiError when that is not allowed */
  static async mount(folder: string): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true });
    await runOrThrow('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'merapi-chaos', folder]);
    return new SmallDisk(folder);
  }

  /** Takes all the space that is left, and what the journal of the store has in reserve, so that the next commit finds none. */
  async fill(): Promise<void> {
    await this.#take();
    this.#shortenJournal();
    await this.#take();
  }

  /** Lets SQLite give back the space of its write-ahead log; a store that is not there or not to be had is left alone. */
  #shortenJournal(): void {
    try {
      const store = new Database(layoutOf(this.#folder).database, { fileMustExist: true });
      try {
        store.pragma('wal_checkpoint(TRUNCATE)');
      } finally {
        store.close();
      }
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
    }
  }

  async #take(): Promise<void> {
    const file = await open(join(this.#folder, FILLER), 'a');
    try {
      for (let size = MIB; size >= 4096; ) {
        try {
          const { bytesWritten } = await file.write(Buffer.alloc(size));
          if (bytesWritten < size) size = Math.floor(size / 2);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size = Math.floor(size / 2);
        }
      }
    } finally {
      await file.close();
    }
  }

  /** Gives the space back. */
  async free(): Promise<void> {
    await rm(join(this.#folder, FILLER), { force: true });
  }

  /** Removes the mount; `keep` leaves what was on it in the folder. No process may use it any more. */
  async unmount(keep: boolean): Promise<void> {
    const copy = `${this.#folder}.copy`;
    if (keep) await cp(this.#folder, copy, { recursive: true });
    await runOrThrow('umount', ['-l', this.#folder]);
    if (!keep) return;
    await rm(this.#folder, { recursive: true });
    await rename(copy, this.#folder);
  }
}
