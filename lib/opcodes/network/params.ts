import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { range4 } from '../../model/ip-pool.ts';
import type { Kind } from '../../model/params.ts';

const textOf = (type: string, isRight: (text: string) => boolean): Kind<z.ZodString> => ({
  type: `String and (${type})`,
  schema: z.string().refine(isRight),
});

function isNetwork6(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  return rest.length === 0 && isIPv6(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128;
}

/** Kinds of addresses and networks. */
export const network4 = textOf('IPv4 network', (text) => range4(text) !== null);
export const address4 = textOf('IPv4 address', isIPv4);
export const network6 = textOf('IPv6 network', isNetwork6);
export const address6 = textOf('IPv6 address', isIPv6);
export const addresses4: Kind<z.ZodArray<z.ZodString>> = {
  type: `List of (${address4.type})`,
  schema: z.array(address4.schema),
};
