import { lookup } from 'node:dns/promises';

/** Resolves host names; tests pass their own. */
export interface Resolver {
  /** An IP address of a host. @throws Error when the name has none or cannot be resolved */
  addressOf(name: string): Promise<string>;
}

/** The machine's resolver (getaddrinfo): usually its hosts file, then DNS. */
export const systemResolver: Resolver = { addressOf: async (name) => (await lookup(name)).address };
