import type { IncomingMessage } from 'node:http';
import httpAuth from 'http-auth';
import { MerapiError } from '../../base/errors.ts';
import { type Action, authorise, mayDo, type Principal } from '../../manager/authorise.ts';
import { REALM } from './users.ts';

/** Who may come in. */
export interface Users {
  /** The user with this name and password, or null. */
  authenticate(name: string, password: string): Principal | null;
}

/** Finds out who sends a request. @throws MerapiError unauthorized */
export type Authenticate = (request: IncomingMessage) => Promise<Principal>;

/** What a request without a right to be there is told to bring. */
export const CHALLENGE = `Basic realm="${REALM}"`;

const ANONYMOUS: Principal = { name: null, rights: [] };

const NOBODY = 'This needs a user; send a name and a password by HTTP Basic';

/** Why a request is refused; a user that does not exist and a wrong password are told in the same words. */
function refusal({ headers }: IncomingMessage): string {
  if (!headers.authorization) return NOBODY;
  return 'There is no such user with this password';
}

/** The part of http-auth that is used; its type declarations leave it out. */
interface BasicAuth {
  isAuthenticated(
    request: IncomingMessage,
    done: (result: Error | { pass?: boolean; user?: unknown }) => void,
  ): void;
}
type Checker = (name: string, password: string, done: (passed: boolean, user?: unknown) => void) => void;

/**
 * Authentication by HTTP Basic. Without an Authorization header a request is anonymous, unless everybody must show who
 * they are (`required`); a header that does not convince is refused, however harmless the request is.
 */
export function createAuthenticate(users: Users, required: boolean): Authenticate {
  const check: Checker = (name, password, done) => {
    const principal = users.authenticate(name, password);
    done(principal !== null, principal);
  };
  const basic = httpAuth.basic({ realm: REALM }, check) as unknown as BasicAuth;
  return (request) =>
    new Promise((resolve, reject) => {
      if (!request.headers.authorization && !required) return resolve(ANONYMOUS);
      basic.isAuthenticated(request, (result) => {
        if (!(result instanceof Error) && result.pass) resolve(result.user as Principal);
        else reject(new MerapiError('unauthorized', refusal(request)));
      });
    });
}

/** @throws MerapiError unauthorized for someone anonymous who may not do it, forbidden for a user who may not. */
export function permit(principal: Principal, action: Action, path: string): void {
  if (principal.name === null && !mayDo(principal, action, path))
    throw new MerapiError('unauthorized', NOBODY);
  authorise(principal, action, path);
}
