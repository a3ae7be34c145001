// Backup files: tar archives whose last member has the SHA-256 of all others. They can be unpacked and verified with tar and sha256sum;
// Merapi itself accepts only archives that are, bit for bit, as it wrote them.

import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { syncFolder } from '../base/files.ts';
import { type PlacedMember, padded, tarEnd, tarHeader, tarMembers } from './tar.ts';

/** The last member: the digests of all others, in the format of `sha256sum`. */
const SUMS = 'SHA256SUMS';
/** The size of a read, in bytes. */
const CHUNK = 1 << 20;

/** A file to put into an archive, and its name there. */
export interface Source {
  name: string;
  path: string;
}

/** Writes files and their digests into a new archive (mode 0600), durably. `mtime` of all members is in seconds since 1970. */
export async function writeArchive(file: string, sources: readonly Source[], mtime: number): Promise<void> {
  const archive = await open(file, 'wx', 0o600);
  try {
    const sums: string[] = [];
    for (const { name, path } of sources)
      sums.push(`${await addFile(archive, name, path, mtime)}  ${name}\n`);
    const text = Buffer.from(sums.join(''));
    await archive.appendFile(tarHeader({ name: SUMS, mode: 0o600, size: text.length, mtime }));
    await archive.appendFile(withPadding(text));
    await archive.appendFile(tarEnd);
    await archive.sync();
  } finally {
    await archive.close();
  }
}

/** Adds a file to the archive; returns its digest. */
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

function withPadding(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]);
}

/** Reads `size` bytes from the position `at`. @throws MerapiError wrong_input when the file ends before */
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
 * Extracts an archive into an empty folder, durably; returns the names of the files. `isWanted` decides which names are allowed.
 * @throws MerapiError wrong_input when the archive is not exactly as it was written, or has a file that is not allowed
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
    if (last?.name !== SUMS)
      throw new MerapiError('wrong_input', `The file ${file} is not a backup of Merapi`);
    const sums: string[] = [];
    const folders = new Set([into]);
    for (const member of members) {
      if (!isWanted(member.name))
        throw new MerapiError(
          'wrong_input',
          `The backup ${file} contains '${member.name}', which is not a file of a cluster's state`,
        );
      const path = join(into, member.name);
      for (let folder = dirname(path); folder !== into; folder = dirname(folder)) folders.add(folder);
      sums.push(`${await extract(archive, member, path)}  ${member.name}\n`);
    }
    const written: Buffer[] = [];
    for await (const chunk of chunks(archive, last.at, last.size)) written.push(chunk);
    const stored = Buffer.concat(written).toString();
    const wrong = sums.find((line) => !stored.includes(line)); // 64 digits, two blanks, the name
    if (wrong !== undefined || stored !== sums.join(''))
      throw new MerapiError(
        'wrong_input',
        `The backup ${file} is damaged: ${wrong?.slice(66).trim() ?? SUMS} has changed since it was written`,
      );
    for (const folder of folders) await syncFolder(folder);
    return members.map(({ name }) => name);
  } finally {
    await archive.close();
  }
}

/** Writes one member to a new file; returns its digest. */
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
