import { isIPv4 } from 'node:net';
import * as z from 'zod';
import { range4 } from '../../model/ip-pool.ts';
import { ip6Number, range6 } from '../../model/ip6.ts';
import type { Kind } from '../../model/params.ts';

const textOf = (
  type: string,
  words: string,
  example: string,
  isRight: (text: string) => boolean,
): Kind<z.ZodString> => ({
  type: `String and (${type})`,
  schema: z.string().refine(isRight, words),
  words,
  example,
});

/** An IPv4 network in CIDR notation. Here and below `type` is Ganeti's notation. */
export const network4 = textOf(
  'IPv4 network',
  'an IPv4 network with the length of its prefix',
  '192.0.2.0/24',
  (text) => range4(text) !== null,
);
/** An IPv4 address. */
export const address4 = textOf('IPv4 address', 'an IPv4 address', '192.0.2.1', isIPv4);
/** An IPv6 network in CIDR notation. */
export const network6 = textOf(
  'IPv6 network',
  'an IPv6 network with the length of its prefix, without a zone and with no bits set after the prefix',
  '2001:db8::/64',
  (text) => range6(text) !== null,
);
/** An IPv6 address. */
export const address6 = textOf(
  'IPv6 address',
  'an IPv6 address without a zone',
  '2001:db8::1',
  (text) => ip6Number(text) !== null,
);
/** A list of IPv4 addresses. */
export const addresses4: Kind<z.ZodArray<z.ZodString>> = {
  type: `List of (${address4.type})`,
  schema: z.array(address4.schema),
  words: 'a list of IPv4 addresses',
  example: ['192.0.2.9'],
};
