import type { IncomingMessage } from 'node:http';
import httpAuth from 'http-auth';
import { ANONYMOUS, type Principal } from '../../access/principal.ts';
import { REALM, type Users } from '../../access/users.ts';
import { networkOf } from '../../base/connections.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Manager } from '../../manager/define.ts';
import type { Action } from '../../model/access.ts';
import { RefusedRequest } from './errors.ts';
import type { Guesses } from './guesses.ts';

/** Finds out who sends a request. @throws RefusedRequest 401 */
export type Authenticate = (request: IncomingMessage) => Promise<Principal>;

/** What a request without a right to be there is told to bring. */
export const CHALLENGE = `Basic realm="${REALM}"`;

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

/** Whom a request names, and who that is if the password is right. */
interface Named {
  name: string;
  principal: Principal | null;
}

/**
 * Authentication by HTTP Basic. Without an Authorization header a request is anonymous, unless everybody must show who
 * they are (`required`); a header that does not convince is refused, however harmless the request is, and the later the more often
 * that happens.
 */
export function createAuthenticate(users: Users, required: boolean, guesses: Guesses): Authenticate {
  const check: Checker = (name, password, done) =>
    done(true, { name, principal: users.authenticate(name, password) } satisfies Named);
  const basic = httpAuth.basic({ realm: REALM }, check) as unknown as BasicAuth;
  const named = (request: IncomingMessage) =>
    new Promise<Named | null>((resolve) =>
      basic.isAuthenticated(request, (result) =>
        resolve(result instanceof Error || !result.pass ? null : (result.user as Named)),
      ),
    );
  return async (request) => {
    if (!request.headers.authorization && !required) return ANONYMOUS;
    const found = await named(request);
    if (found) {
      const { name, principal } = found;
      const address = networkOf(request.socket.remoteAddress);
      guesses.admit(address, name);
      if (principal) {
        guesses.right(address, name);
        return principal;
      }
      await guesses.delay(address, name);
    }
    throw new RefusedRequest(401, refusal(request));
  };
}

/** What goes wrong for a principal: someone anonymous who is refused may have the right as a user, so is asked who they are. */
export function failureFor({ name }: Principal, cause: unknown): unknown {
  if (name !== null || !(cause instanceof MerapiError) || cause.code !== 'forbidden') return cause;
  return new RefusedRequest(401, NOBODY, { cause });
}

/**
 * Refuses whoever may do this to nothing at all, before the request is read. What they may do it to is for the manager to say.
 * @throws RefusedRequest 401 for someone anonymous, MerapiError forbidden for a user
 */
export function permit(manager: Manager, principal: Principal, action: Action, path: string): void {
  if (manager.scope(principal, action) !== 'none') return;
  if (principal.name === null) throw new RefusedRequest(401, NOBODY);
  throw new MerapiError('forbidden', `${principal.name} may not ${action} ${path}`);
}
