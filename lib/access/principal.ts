/** A right that the users file gives; `write` includes `read`. */
export type AccessRight = 'read' | 'write';

/** Who asks. */
export interface Principal {
  /** The user's name; null for someone who gave none. */
  readonly name: string | null;
  /** What the users file says that the user may do. Empty for a user without options. */
  readonly rights: readonly AccessRight[];
}

/** Merapi itself, for what it does on its own account. */
export const SYSTEM: Principal = { name: null, rights: ['read', 'write'] };

/** Someone who did not say who they are. */
export const ANONYMOUS: Principal = { name: null, rights: [] };
