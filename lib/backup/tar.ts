// Reads and writes tar archives (POSIX pax), as far as backups need them: regular files, with pax headers for long names and sizes.

import type { FileHandle } from 'node:fs/promises';
import { MerapiError } from '../base/errors.ts';

/** The header of a file in an archive. */
export interface Member {
  name: string;
  /** Permission bits. */
  mode: number;
  size: number;
  /** Seconds since 1970. */
  mtime: number;
}

/** A member and the offset of its content in the archive. */
export interface PlacedMember extends Member {
  at: number;
}

const BLOCK = 512;
/** The longest name (bytes) and the largest size in a plain header; a pax header before it has longer ones. */
const MAX_NAME = 100;
const MAX_SIZE = 8 ** 11 - 1;
/** The longest pax header that is read, in bytes. */
const MAX_RECORDS = 8192;

/** The size of a file's content in an archive: rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** The end of an archive: two zero blocks. */
export const tarEnd = Buffer.alloc(2 * BLOCK);

/** The header of a member, with the pax header before it when its name or size needs one. */
export function tarHeader(member: Member): Buffer {
  const records: string[] = [];
  if (Buffer.byteLength(member.name) > MAX_NAME) records.push(record('path', member.name));
  if (member.size > MAX_SIZE) records.push(record('size', String(member.size)));
  if (records.length === 0) return plainHeader(member, '0');
  const text = Buffer.from(records.join(''));
  const filled = Buffer.alloc(padded(text.length));
  text.copy(filled);
  const before = { name: 'pax', mode: 0o600, size: text.length, mtime: member.mtime };
  return Buffer.concat([plainHeader(before, 'x'), filled, plainHeader(truncated(member), '0')]);
}

/** A record of a pax header; its length counts its own digits. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** The member for the plain header behind a pax header: its name and size reduced to what fits. */
function truncated(member: Member): Member {
  return {
    ...member,
    name: Buffer.from(member.name).subarray(0, MAX_NAME).toString('latin1'),
    size: member.size > MAX_SIZE ? 0 : member.size,
  };
}

function plainHeader({ name, mode, size, mtime }: Member, type: '0' | 'x'): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  header.write(name, 0, MAX_NAME, 'latin1');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(mtime, 136, 11);
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/**
 * The members of an archive. Headers must be exactly as tarHeader() writes them, and padding must be zero, so that any changed bit
 * outside of the contents is found.
 * @throws MerapiError wrong_input saying where the archive is damaged or incomplete
 */
export async function tarMembers(file: FileHandle): Promise<PlacedMember[]> {
  const { size: length } = await file.stat();
  const members: PlacedMember[] = [];
  let at = 0;
  for (;;) {
    const end = await bytes(file, at, tarEnd.length);
    if (end.equals(tarEnd)) {
      if (at + tarEnd.length !== length) throw damaged(at);
      return members;
    }
    const member = await memberAt(file, at);
    if (!member || member.at + padded(member.size) > length) throw damaged(at);
    const rest = padded(member.size) - member.size;
    if ((await bytes(file, member.at + member.size, rest)).some((byte) => byte !== 0)) throw damaged(at);
    members.push(member);
    at = member.at + padded(member.size);
  }
}

/** The member whose header begins at an offset; null when the header is not one that tarHeader() writes. */
async function memberAt(file: FileHandle, at: number): Promise<PlacedMember | null> {
  const first = await bytes(file, at, BLOCK);
  const plain = fieldsOf(first);
  let member = plain;
  let length = BLOCK;
  if (first.toString('latin1', 156, 157) === 'x') {
    if (plain.size > MAX_RECORDS) return null;
    const text = (await bytes(file, at + BLOCK, plain.size)).toString();
    length = BLOCK + padded(plain.size) + BLOCK;
    member = fieldsOf(await bytes(file, at + length - BLOCK, BLOCK));
    for (const [, key, value = ''] of text.matchAll(/^\d+ (path|size)=(.*)$/gm)) {
      if (key === 'path') member.name = value;
      else member.size = Number(value);
    }
  }
  const isSane = [member.mode, member.size, member.mtime].every(
    (each) => Number.isSafeInteger(each) && each >= 0,
  );
  if (!isSane || member.mode > 0o777 || member.mtime > MAX_SIZE) return null;
  const expected = tarHeader(member);
  const isSame = expected.equals(await bytes(file, at, expected.length)) && expected.length === length;
  return isSame ? { ...member, at: at + length } : null;
}

function fieldsOf(header: Buffer): Member {
  const text = (from: number, to: number) => header.toString('latin1', from, to).replace(/\0.*$/s, '');
  const octal = (from: number, to: number) => Number.parseInt(text(from, to), 8);
  return { name: text(0, MAX_NAME), mode: octal(100, 108), size: octal(124, 136), mtime: octal(136, 148) };
}

/** Reads `length` bytes at an offset; bytes beyond the end of the archive are 0xff, which no header has. */
async function bytes(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length, 0xff);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await file.read(buffer, got, length - got, at + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return buffer;
}

function damaged(at: number): MerapiError {
  return new MerapiError(
    'wrong_input',
    `The file is not a backup, or it is damaged or incomplete at byte ${at}`,
  );
}
