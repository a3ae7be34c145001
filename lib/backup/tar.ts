import type { FileHandle } from 'node:fs/promises';
import { MerapiError } from '../base/errors.ts';

/** A file in an archive in the format of tar (POSIX pax). */
export interface Member {
  name: string;
  /** Permission bits. */
  mode: number;
  size: number;
  /** Seconds since 1970. */
  mtime: number;
}

/** A member with where its bytes begin in the archive. */
export interface PlacedMember extends Member {
  at: number;
}

const BLOCK = 512;
/** What a name and a size may be at most in a plain header; beyond that a header before it tells them. */
const MAX_NAME = 100;
const MAX_SIZE = 8 ** 11 - 1;
/** The longest header of long names and sizes that is read, in bytes. */
const MAX_RECORDS = 8192;

/** How many bytes a file of this size has in an archive. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** The end of an archive. */
export const tarEnd = Buffer.alloc(2 * BLOCK);

/** What stands before a member's bytes. */
export function tarHeader(member: Member): Buffer {
  const records: string[] = [];
  if (Buffer.byteLength(member.name) > MAX_NAME) records.push(record('path', member.name));
  if (member.size > MAX_SIZE) records.push(record('size', String(member.size)));
  if (records.length === 0) return plainHeader(member, '0');
  const text = Buffer.from(records.join(''));
  const filled = Buffer.alloc(padded(text.length));
  text.copy(filled);
  const before = { name: 'pax', mode: 0o600, size: text.length, mtime: member.mtime };
  return Buffer.concat([plainHeader(before, 'x'), filled, plainHeader(cut(member), '0')]);
}

/** A record of a pax header; its length counts its own digits. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** What of a long name and size fits into a plain header. */
function cut(member: Member): Member {
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
 * The members of an archive. Only what tarHeader() writes is read: a header with any other bit is refused.
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

/** Some bytes of the archive; those beyond its end are ones of no header. */
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
  return new MerapiError('wrong_input', `The backup is damaged or incomplete, or is none: at byte ${at}`);
}
