import { isIPv6 } from 'node:net';
import { ipNumber } from './ip-pool.ts';

/** A range of IPv6 addresses as numbers, with the length of its prefix. */
export interface Range6 {
  first: bigint;
  last: bigint;
  prefix: number;
}

/** An IPv6 address as a number; null when the text is not an address, or has a zone (`%eth0`), which is valid on one host only. */
export function ip6Number(text: string): bigint | null {
  if (!isIPv6(text) || text.includes('%')) return null;
  // The last 32 bits may be written as an IPv4 address: ::ffff:192.0.2.1.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const number = dotted ? ipNumber(dotted[2] ?? '') : null;
  const plain =
    number === null
      ? text
      : `${dotted?.[1]}${Math.floor(number / 65_536).toString(16)}:${(number % 65_536).toString(16)}`;
  const [before = '', after] = plain.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(before), groups(after ?? '')];
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return BigInt(`0x${[...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join('')}`);
}

/** The canonical form in which IPv6 addresses are stored and compared: lower case, shortened; null when the text is not one. */
export function canonical6(text: string): string | null {
  return ip6Number(text) === null ? null : new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** Parses an IPv6 network in CIDR notation; null when the text is not one, or a bit after the prefix is set. */
export function range6(text: string): Range6 | null {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const first = match && ip6Number(match[1] ?? '');
  const prefix = Number(match?.[2]);
  if (first === null || prefix > 128) return null;
  const size = 1n << BigInt(128 - prefix);
  return first % size === 0n ? { first, last: first + size - 1n, prefix } : null;
}

/** Whether an IPv6 address lies in a network. */
export function contains6(network: string, ip: string): boolean {
  const [range, number] = [range6(network), ip6Number(ip)];
  return range !== null && number !== null && range.first <= number && number <= range.last;
}
