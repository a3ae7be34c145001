// IPv4 addresses and the pools of networks. Addresses are numbers here, which is exact: they have 32 bits. Networks have a prefix of /16
// or longer (lib/units/network/pools.ts checks it), so a walk through a pool is cheap.
import type { Network } from './network.ts';

/** A network as numbers: its first and its last address, and the length of its prefix. */
export interface Range4 {
  first: number;
  last: number;
  prefix: number;
}

/** An IPv4 address as a number; null when the text is not an address. */
export function ipNumber(text: string): number | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return null;
  const bytes = match.slice(1).map(Number);
  if (bytes.some((byte) => byte > 255)) return null;
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** The text of an IPv4 address. */
export function ipText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** Parses an IPv4 network in CIDR notation; null when the text is not one. Bits after the prefix are ignored. */
export function range4(text: string): Range4 | null {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const number = match && ipNumber(match[1] ?? '');
  const prefix = Number(match?.[2]);
  if (number === null || prefix > 32) return null;
  const size = 2 ** (32 - prefix);
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1, prefix };
}

/** The range of a network. */
function rangeOf(network: Network): Range4 {
  const range = range4(network.network);
  if (!range) throw new TypeError(`Network ${network.name} has no range: ${network.network}`);
  return range;
}

/** Whether an address lies in a network. */
export function contains(network: Pick<Network, 'network'>, ip: string): boolean {
  const [range, number] = [range4(network.network), ipNumber(ip)];
  return range !== null && number !== null && range.first <= number && number <= range.last;
}

/** Addresses in the order of their numbers, each once. */
export function sortedAddresses(addresses: Iterable<string>): string[] {
  return [...new Set(addresses)].sort((a, b) => (ipNumber(a) ?? 0) - (ipNumber(b) ?? 0));
}

/** The network address and the broadcast address: the first and the last one. */
export function boundaryAddresses({ first, last }: Range4): string[] {
  return [ipText(first), ipText(last)];
}

/** The smallest address that is neither reserved nor taken; null when the pool is full. */
export function firstFree(network: Network, isTaken: (ip: string) => boolean): string | null {
  const { first, last } = rangeOf(network);
  const reserved = new Set(network.reservations);
  for (let number = first; number <= last; number++) {
    const ip = ipText(number);
    if (!reserved.has(ip) && !isTaken(ip)) return ip;
  }
  return null;
}

/** The use of a pool, as Ganeti shows it. */
export interface PoolUse {
  free: number;
  /** Reserved and taken addresses together. */
  reserved: number;
  /** A letter for each address: `X` is reserved or taken, `.` is free. */
  map: string;
}

/** The use of a network's pool; `taken` are the addresses of NICs in the network. */
export function poolUse(network: Network, taken: Iterable<string>): PoolUse {
  const { first, last } = rangeOf(network);
  const letters = new Array<string>(last - first + 1).fill('.');
  for (const addresses of [network.reservations, taken])
    for (const ip of addresses) {
      const number = ipNumber(ip);
      if (number !== null && number >= first && number <= last) letters[number - first] = 'X';
    }
  const map = letters.join('');
  const reserved = letters.reduce((sum, letter) => sum + (letter === 'X' ? 1 : 0), 0);
  return { free: letters.length - reserved, reserved, map };
}
