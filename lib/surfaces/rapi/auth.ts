// Authentication (HTTP Basic), and the check whether a principal may use a method on any object at all. What they may do to a single
// object is checked by the manager.
import type { IncomingMessage } from 'node:http';
import httpAuth from 'http-auth';
import { ANONYMOUS, type Principal } from '../../access/principal.ts';
import { REALM, type Users } from '../../access/users.ts';
import { networkOf } from '../../base/connections.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Manager } from '../../manager/define.ts';
import type { Action } from '../../model/access.ts';
import { RefusedRequest } from './errors.ts';
import type { GuessLimiter } from './guesses.ts';

/** Authenticates the sender of a request. @throws RefusedRequest 401; MerapiError unavailable after too many wrong passwords */
export type Authenticate = (request: IncomingMessage) => Promise<Principal>;

/** The WWW-Authenticate header of every response with status 401. */
export const CHALLENGE = `Basic realm="${REALM}"`;

const NO_CREDENTIALS = 'This needs a user; send a user name and a password by HTTP Basic';

/** Why authentication failed; an unknown user and a wrong password have the same text, so that user names cannot be probed. */
function refusal({ headers }: IncomingMessage): string {
  if (!headers.authorization) return NO_CREDENTIALS;
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

/** The user name of a request, and its principal; null when the user does not exist or the password is wrong. */
interface Credentials {
  name: string;
  principal: Principal | null;
}

/**
 * Authentication by HTTP Basic. A request without an Authorization header is anonymous, or refused if `required` is set. A request
 * with a wrong header is always refused, even for what anonymous users may do, and with growing delays (see GuessLimiter).
 */
export function createAuthenticate(users: Users, required: boolean, guesses: GuessLimiter): Authenticate {
  const check: Checker = (name, password, done) =>
    done(true, { name, principal: users.authenticate(name, password) } satisfies Credentials);
  const basic = httpAuth.basic({ realm: REALM }, check) as unknown as BasicAuth;
  const credentialsOf = (request: IncomingMessage) =>
    new Promise<Credentials | null>((resolve) =>
      basic.isAuthenticated(request, (result) =>
        resolve(result instanceof Error || !result.pass ? null : (result.user as Credentials)),
      ),
    );
  return async (request) => {
    if (!request.headers.authorization && !required) return ANONYMOUS;
    const found = await credentialsOf(request);
    if (found) {
      const { name, principal } = found;
      const address = networkOf(request.socket.remoteAddress);
      guesses.admit(address, name);
      if (principal) {
        guesses.recordSuccess(address, name);
        return principal;
      }
      await guesses.recordFailure(address, name);
    }
    throw new RefusedRequest(401, refusal(request));
  };
}

/** The error for a principal's request: 401 instead of `forbidden` for an anonymous one, who may have the right as a user. */
export function failureFor({ name }: Principal, cause: unknown): unknown {
  if (name !== null || !(cause instanceof MerapiError) || cause.code !== 'forbidden') return cause;
  return new RefusedRequest(401, NO_CREDENTIALS, { cause });
}

/**
 * Refuses a principal who may do this to no object at all, before the body is read. The manager checks the rights to single objects.
 * @throws RefusedRequest 401 for an anonymous principal, MerapiError forbidden for a user
 */
export function permit(manager: Manager, principal: Principal, action: Action, path: string): void {
  if (manager.scope(principal, action) !== 'none') return;
  if (principal.name === null) throw new RefusedRequest(401, NO_CREDENTIALS);
  throw new MerapiError('forbidden', `${principal.name} may not ${action} ${path}`);
}
