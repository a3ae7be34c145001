import { MerapiError } from '../base/errors.ts';

export type AccessRight = 'read' | 'write';

/** Who asks. */
export interface Principal {
  /** The user's name; null for someone who gave none. */
  readonly name: string | null;
  /** What the user may do; `write` includes `read`. Empty for a user without options: as much as someone anonymous. */
  readonly rights: readonly AccessRight[];
}

/** Merapi itself, for what it does on its own account. */
export const SYSTEM: Principal = { name: null, rights: ['read', 'write'] };

/**
 * What can be asked for: `look` at what everybody may see, `read` what only users may see, `write`.
 */
export type Action = 'look' | 'read' | 'write';

/** Whether someone may do something to an object (a path-like text such as `instance/web1`); rights are the same for all objects. */
export function mayDo(principal: Principal, action: Action, _object: string): boolean {
  if (action === 'look') return true;
  return principal.rights.includes('write') || (action === 'read' && principal.rights.includes('read'));
}

/** @throws MerapiError forbidden */
export function authorise(principal: Principal, action: Action, object: string): void {
  if (mayDo(principal, action, object)) return;
  throw new MerapiError('forbidden', `${principal.name ?? 'An anonymous user'} may not ${action} ${object}`);
}
