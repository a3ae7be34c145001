import { constants, copyFile, type FileHandle, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText, MerapiError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import type { Work } from './define.ts';

const MIB = 1024 * 1024;

/** Makes a sparse file of zeros, and its folder; succeeds when it is there with that size (MiB). @throws block_device */
export async function createRaw(path: string, size: number): Promise<void> {
  await explained(`create disk ${path}`, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (await createExclusively(path, size)) {
      await syncFolder(dirname(path));
      await syncFolder(dirname(dirname(path)));
      return;
    }
    const found = (await stat(path)).size;
    if (found === size * MIB) return;
    // An empty file is what a crash between making the file and giving it its size leaves.
    if (found === 0) return changeSize(path, async (file) => file.truncate(size * MIB));
    const [given, wanted] = [`${found} bytes`, `${size} MiB`];
    throw new MerapiError('block_device', `Disk ${path} exists with ${given}; it should have ${wanted}`);
  });
}

/** Makes an existing file all zero with that size (MiB). @throws block_device */
export async function emptyRaw(path: string, size: number): Promise<void> {
  await explained(`empty disk ${path}`, () =>
    changeSize(path, async (file) => {
      await file.truncate(0);
      await file.truncate(size * MIB);
    }),
  );
}

/** Makes an existing file at least that big (MiB); one that is bigger stays as it is. @throws block_device */
export async function growRaw(path: string, size: number): Promise<void> {
  await explained(`grow disk ${path}`, () =>
    changeSize(path, async (file) => {
      if ((await file.stat()).size < size * MIB) await file.truncate(size * MIB);
    }),
  );
}

/** Removes a file; succeeds when it is gone. @throws block_device */
export async function removeRaw(path: string): Promise<void> {
  await explained(`remove disk ${path}`, async () => {
    await rm(path, { force: true });
    await rm(path + CLONE, { force: true });
    await syncFolder(dirname(path)).catch(expect('ENOENT'));
  });
}

/** The size of a file in MiB, null when there is none. @throws block_device */
export function sizeOfRaw(path: string): Promise<number | null> {
  return explained(`look at disk ${path}`, async () => {
    const found = await stat(path).catch(expect('ENOENT', 'ENOTDIR'));
    return found ? Math.floor(found.size / MIB) : null;
  });
}

const CHUNK = 4 * MIB;

/**
 * Copies the data of one disk over that of another, which is as big at least; zeros take no space. Where the file system can,
 * both have the same blocks until one of them changes. @throws block_device, and the reason of the work's signal
 */
export async function copyRaw(from: string, to: string, work?: Work): Promise<void> {
  await explained(`copy disk ${from} to ${to}`, async () => {
    if (await cloned(from, to)) return;
    const source = await open(from, 'r');
    try {
      await changeSize(to, (target) => copyChunks(source, target, work));
    } finally {
      await source.close();
    }
  });
}

/** What stands behind the name of a file that is to take another one's place. */
const CLONE = '.clone';

/** Lets a file share the blocks of another one of the same size; false when that cannot be. */
async function cloned(from: string, to: string): Promise<boolean> {
  const [source, target] = [await stat(from), await stat(to)];
  if (!source.isFile() || !target.isFile() || source.size !== target.size) return false;
  try {
    // Not over the file itself: a copy that fails removes its target.
    await copyFile(from, to + CLONE, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    return false; // the copy byte by byte tells what is wrong, if anything is
  }
  await rename(to + CLONE, to);
  await syncFolder(dirname(to));
  return true;
}

async function copyChunks(source: FileHandle, target: FileHandle, work?: Work): Promise<void> {
  const buffer = Buffer.alloc(CHUNK);
  const total = (await source.stat()).size;
  for (let position = 0; ; ) {
    work?.signal.throwIfAborted();
    work?.onBytes(position, total);
    const { bytesRead } = await source.read(buffer, 0, CHUNK, position);
    if (bytesRead === 0) return;
    await writeChunk(target, buffer.subarray(0, bytesRead), position);
    position += bytesRead;
  }
}

/** A repeated copy may find other data where zeros belong, so what is not written must be zero there too. */
async function writeChunk(target: FileHandle, data: Buffer, position: number): Promise<void> {
  const isZero = data.equals(Buffer.alloc(data.length));
  if (isZero && (await holdsZeros(target, position, data.length))) return;
  await target.write(data, 0, data.length, position);
}

/** Writes data over an existing disk of that size (MiB); zeros take no space. @throws block_device when it is more or less */
export async function fillRaw(path: string, size: number, source: AsyncIterable<Buffer>): Promise<void> {
  await explained(`fill disk ${path}`, () =>
    changeSize(path, async (target) => {
      let position = 0;
      for await (const data of source) {
        if (position + data.length <= size * MIB) await writeChunk(target, data, position);
        position += data.length;
      }
      if (position !== size * MIB)
        throw new MerapiError('block_device', `${position} bytes came for disk ${path}; it has ${size} MiB`);
    }),
  );
}

/** Writes data into a file, new or in place of its old content; zeros take no space. Answers its size in bytes. @throws block_device */
export function writeRaw(path: string, source: AsyncIterable<Buffer>): Promise<number> {
  return explained(`write ${path}`, async () => {
    const file = await open(path, 'w', 0o600);
    try {
      let position = 0;
      for await (const data of source) {
        if (!data.equals(Buffer.alloc(data.length))) await file.write(data, 0, data.length, position);
        position += data.length;
      }
      await file.truncate(position);
      await file.sync();
      return position;
    } finally {
      await file.close();
    }
  });
}

async function holdsZeros(file: FileHandle, position: number, length: number): Promise<boolean> {
  const found = Buffer.alloc(length);
  await file.read(found, 0, length, position);
  return found.equals(Buffer.alloc(length));
}

/** False when the file exists. */
async function createExclusively(path: string, size: number): Promise<boolean> {
  const file = await open(path, 'wx', 0o600).catch(expect('EEXIST'));
  if (!file) return false;
  try {
    await file.truncate(size * MIB);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

async function changeSize(path: string, change: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await change(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** For catch(): takes failures with one of these system codes for `undefined`. */
export function expect(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
}

async function explained<T>(deed: string, perform: () => Promise<T>): Promise<T> {
  try {
    return await perform();
  } catch (cause) {
    if (cause instanceof MerapiError) throw cause;
    throw new MerapiError('block_device', `Cannot ${deed}: ${errorText(cause)}`, { cause });
  }
}

/**
 * Moves a file to another place, with the folder that it needs, and removes the folder that it leaves empty; succeeds when it
 * is there already. @throws MerapiError block_device
 */
export async function moveRaw(from: string, to: string): Promise<void> {
  if ((await sizeOfRaw(from)) === null) {
    if ((await sizeOfRaw(to)) !== null) return;
    throw new MerapiError('block_device', `There is no disk ${from} to move`);
  }
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
  await syncFolder(dirname(to));
  await rmdir(dirname(from)).catch(expect('ENOTEMPTY', 'ENOENT'));
}
