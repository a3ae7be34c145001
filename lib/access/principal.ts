import type { GuestRight } from '../model/access.ts';

/** A right that the users file grants; `write` includes all others. */
export type AccessRight = 'read' | 'write' | GuestRight;

/** The originator of a request. */
export interface Principal {
  /** The user's name; null for ANONYMOUS and SYSTEM. */
  readonly name: string | null;
  /** The rights from the users file; empty for a user without options. */
  readonly rights: readonly AccessRight[];
}

/** Merapi itself, for its internal operations. Compared by identity: every policy is bypassed for this object. */
export const SYSTEM: Principal = { name: null, rights: ['read', 'write'] };

/** A client that did not authenticate. */
export const ANONYMOUS: Principal = { name: null, rights: [] };
