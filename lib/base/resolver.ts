import { lookup } from 'node:dns/promises';

/** Where the addresses of host names come from; tests pass their own. */
export interface Resolver {
  /** An IP address of a host. @throws Error when the name has none, or that cannot be found out */
  addressOf(name: string): Promise<string>;
}

/** What the machine is set to: its hosts file, then DNS. */
export const systemResolver: Resolver = { addressOf: async (name) => (await lookup(name)).address };
