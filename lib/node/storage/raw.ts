// Operations on raw, sparse disk files. All are idempotent and durable: data and folders are synced before they return, and a repeated
// operation succeeds whatever a crash left. Sizes are in MiB. System errors become MerapiErrors `block_device`.
import { constants, copyFile, type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText, MerapiError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import type { Work } from './define.ts';

const MIB = 1024 * 1024;

/** Creates a sparse file of zeros, and its folder; succeeds when it exists with that size (MiB). @throws block_device */
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
    // A crash between creating the file and setting its size leaves an empty file.
    if (found === 0) return modify(path, async (file) => file.truncate(size * MIB));
    throw new MerapiError(
      'block_device',
      `Disk ${path} exists with ${found} bytes; it should have ${size} MiB`,
    );
  });
}

/** Turns an existing file into zeros of that size (MiB). @throws block_device */
export async function emptyRaw(path: string, size: number): Promise<void> {
  await explained(`empty disk ${path}`, () =>
    modify(path, async (file) => {
      await file.truncate(0);
      await file.truncate(size * MIB);
    }),
  );
}

/** Grows an existing file to at least that size (MiB); a bigger one stays as it is. @throws block_device */
export async function growRaw(path: string, size: number): Promise<void> {
  await explained(`grow disk ${path}`, () =>
    modify(path, async (file) => {
      if ((await file.stat()).size < size * MIB) await file.truncate(size * MIB);
    }),
  );
}

/** Removes a file; succeeds when it does not exist. @throws block_device */
export async function removeRaw(path: string): Promise<void> {
  await explained(`remove disk ${path}`, async () => {
    await rm(path, { force: true });
    await rm(path + CLONE, { force: true });
    await syncFolder(dirname(path)).catch(ignore('ENOENT'));
  });
}

/** The size of a file in MiB, null when there is none. @throws block_device */
export function sizeOfRaw(path: string): Promise<number | null> {
  return explained(`look at disk ${path}`, async () => {
    const found = await stat(path).catch(ignore('ENOENT', 'ENOTDIR'));
    return found ? Math.floor(found.size / MIB) : null;
  });
}

/** Bytes per read of a copy. */
const CHUNK = 4 * MIB;

/**
 * Copies the data of one disk over that of another, which must be at least as big. Blocks of zeros are not written, so the copy stays
 * sparse. File systems that support it (reflink) share the blocks of the two until one changes.
 * @throws block_device; the reason of the work's signal when that is aborted
 */
export async function copyRaw(from: string, to: string, work?: Work): Promise<void> {
  await explained(`copy disk ${from} to ${to}`, async () => {
    if (await cloned(from, to)) return;
    const source = await open(from, 'r');
    try {
      await modify(to, (target) => copyChunks(source, target, work));
    } finally {
      await source.close();
    }
  });
}

/** The suffix of a clone before it replaces its target. */
const CLONE = '.clone';

/** Replaces a file by a clone that shares the blocks of another one of the same size; false when that is not possible. */
async function cloned(from: string, to: string): Promise<boolean> {
  const [source, target] = [await stat(from), await stat(to)];
  if (!source.isFile() || !target.isFile() || source.size !== target.size) return false;
  try {
    // Not directly over the target: copyFile() removes its target when it fails.
    await copyFile(from, to + CLONE, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    return false; // usually not supported; if something else is wrong, copying the bytes reports it
  }
  await modify(to + CLONE, async () => undefined); // syncs it, before its name replaces data that is durable
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

/**
 * Writes data, but skips zeros where the file has zeros already. The check is needed: a file that an interrupted copy left may have
 * other data there.
 */
async function writeChunk(target: FileHandle, data: Buffer, position: number): Promise<void> {
  const isZero = data.equals(Buffer.alloc(data.length));
  if (isZero && (await holdsZeros(target, position, data.length))) return;
  await target.write(data, 0, data.length, position);
}

/**
 * Overwrites an existing disk of that size (MiB); zeros take no space.
 * @throws block_device when there is more or less data; the disk's contents are undefined then
 */
export async function fillRaw(path: string, size: number, source: AsyncIterable<Buffer>): Promise<void> {
  await explained(`fill disk ${path}`, () =>
    modify(path, async (target) => {
      let position = 0;
      for await (const data of source) {
        if (position + data.length <= size * MIB) await writeChunk(target, data, position);
        position += data.length;
      }
      if (position !== size * MIB)
        throw new MerapiError(
          'block_device',
          `Disk ${path} of ${size} MiB was sent ${position} bytes; it needs exactly ${size * MIB}`,
        );
    }),
  );
}

/** Writes data to a new file, or replaces the contents of an existing one; zeros take no space. Returns the bytes. @throws block_device */
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

/** Whether a range of a file has nothing but zeros. The end of the file counts as zeros. */
async function holdsZeros(file: FileHandle, position: number, length: number): Promise<boolean> {
  const found = Buffer.alloc(length);
  await file.read(found, 0, length, position);
  return found.equals(Buffer.alloc(length));
}

/** Creates a file of that size (MiB); false when it exists already. */
async function createExclusively(path: string, size: number): Promise<boolean> {
  const file = await open(path, 'wx', 0o600).catch(ignore('EEXIST'));
  if (!file) return false;
  try {
    await file.truncate(size * MIB);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

/** Opens an existing file, changes it and syncs it to disk. */
async function modify(path: string, change: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await change(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** For catch(): maps errors with one of these system codes to `undefined` and rethrows all others. */
export function ignore(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
}

/** Turns system errors of an operation into MerapiErrors: "Cannot ACTION: …". */
async function explained<T>(action: string, perform: () => Promise<T>): Promise<T> {
  try {
    return await perform();
  } catch (cause) {
    if (cause instanceof MerapiError) throw cause;
    throw new MerapiError('block_device', `Cannot ${action}: ${errorText(cause)}`, { cause });
  }
}

/**
 * Moves a file within its file system and creates the folder that it needs; succeeds when it has been moved already. The folder that
 * it leaves stays, even if it is empty. @throws MerapiError block_device
 */
export async function moveRaw(from: string, to: string): Promise<void> {
  await explained(`move disk ${from} to ${to}`, async () => {
    if ((await sizeOfRaw(from)) === null) {
      if ((await sizeOfRaw(to)) !== null) return;
      throw new MerapiError('block_device', `There is no disk ${from} to move`);
    }
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    await syncFolder(dirname(to));
    await syncFolder(dirname(from));
  });
}
