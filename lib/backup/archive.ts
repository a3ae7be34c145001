import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { syncFolder } from '../base/files.ts';
import { type PlacedMember, padded, tarEnd, tarHeader, tarMembers } from './tar.ts';

/** The last member: the digests of all others, as `sha256sum` writes and checks them. */
const SUMS = 'SHA256SUMS';
/** How much is read at a time, in bytes. */
const CHUNK = 1 << 20;

/** A file to put into an archive, under a name. */
export interface Source {
  name: string;
  path: string;
}

/** Writes files into a new archive (mode 0600), and what tells later that no bit of them has changed. Durable at the end. */
export async function writeArchive(file: string, sources: readonly Source[], mtime: number): Promise<void> {
  const archive = await open(file, 'wx', 0o600);
  try {
    const sums: string[] = [];
    for (const { name, path } of sources)
      sums.push(`${await addFile(archive, name, path, mtime)}  ${name}\n`);
    const text = Buffer.from(sums.join(''));
    await archive.appendFile(tarHeader({ name: SUMS, mode: 0o600, size: text.length, mtime }));
    await archive.appendFile(filled(text));
    await archive.appendFile(tarEnd);
    await archive.sync();
  } finally {
    await archive.close();
  }
}

/** Adds a file; its digest. */
async function addFile(archive: FileHandle, name: string, path: string, mtime: number): Promise<string> {
  const source = await open(path, 'r');
  try {
    const { size, mode } = await source.stat();
    await archive.appendFile(tarHeader({ name, mode: mode & 0o777, size, mtime }));
    const hash = createHash('sha256');
    for await (const chunk of chunks(source, 0, size)) {
      hash.update(chunk);
      await archive.appendFile(chunk);
    }
    await archive.appendFile(Buffer.alloc(padded(size) - size));
    return hash.digest('hex');
  } finally {
    await source.close();
  }
}

function filled(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]);
}

/** @throws MerapiError wrong_input when the file ends before `size` bytes */
async function* chunks(file: FileHandle, at: number, size: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < size; ) {
    const buffer = Buffer.alloc(Math.min(CHUNK, size - done));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at + done);
    if (bytesRead === 0) throw new MerapiError('wrong_input', 'A file became shorter while it was read');
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Writes the files of an archive into an empty folder, durably; answers their names. Each must be one that `isWanted`.
 * @throws MerapiError wrong_input when one bit of the archive is not as it was written
 */
export async function readArchive(
  file: string,
  into: string,
  isWanted: (name: string) => boolean,
): Promise<string[]> {
  const archive = await open(file, 'r');
  try {
    const members = await tarMembers(archive);
    const last = members.pop();
    if (last?.name !== SUMS) throw new MerapiError('wrong_input', `The file ${file} is no backup of Merapi`);
    const sums: string[] = [];
    const folders = new Set([into]);
    for (const member of members) {
      if (!isWanted(member.name))
        throw new MerapiError(
          'wrong_input',
          `The backup ${file} holds '${member.name}', which is none of a state`,
        );
      const path = join(into, member.name);
      for (let folder = dirname(path); folder !== into; folder = dirname(folder)) folders.add(folder);
      sums.push(`${await extract(archive, member, path)}  ${member.name}\n`);
    }
    const written: Buffer[] = [];
    for await (const chunk of chunks(archive, last.at, last.size)) written.push(chunk);
    const stored = Buffer.concat(written).toString();
    const wrong = sums.find((line) => !stored.includes(line));
    if (wrong !== undefined || stored !== sums.join(''))
      throw new MerapiError(
        'wrong_input',
        `The backup ${file} is damaged: ${wrong?.slice(66).trim() ?? SUMS} is not what was written`,
      );
    for (const folder of folders) await syncFolder(folder);
    return members.map(({ name }) => name);
  } finally {
    await archive.close();
  }
}

/** Writes one member as a file; its digest. */
async function extract(archive: FileHandle, member: PlacedMember, path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    for await (const chunk of chunks(archive, member.at, member.size)) {
      hash.update(chunk);
      await file.appendFile(chunk);
    }
    await file.sync();
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}
