import type { Action, ObjectRef } from '../model/access.ts';
import type { Principal } from './principal.ts';

/** The objects to which a principal may do an action: all present and future ones, some of them, or none. */
export type Scope = 'all' | 'some' | 'none';

/**
 * The authorization rule: who may do what to which object. The manager gets one when the process is wired together and uses it for
 * every decision, so that another rule needs no change of other code.
 *
 * It is never called for SYSTEM. A policy need not know how objects are related: when it does not grant access to a job, a duty or a
 * disk itself, the rights to the objects that these belong to decide (rights.ts).
 */
export interface Policy {
  /**
   * The objects to which a principal may do an action. For `all` and `none`, mayDo() is not called, so that lists cost the same as
   * without a policy.
   */
  scope(principal: Principal, action: Action): Scope;
  /**
   * Whether a principal may do an action to one object; called only when the scope is `some`. Lists call it for every object, so it
   * should be as fast as a lookup. An id of null asks whether they may do it to all objects of the kind, to one that does not exist
   * yet, or with a name that no object has.
   */
  mayDo(principal: Principal, action: Action, object: ObjectRef): boolean;
}

/** The rule of Ganeti's RAPI: everybody may look, and the rights of the users file apply to all objects alike. */
export const sameForAll: Policy = {
  scope({ rights }, action) {
    const includes = action === 'look' || rights.includes('write') || rights.includes(action);
    return includes ? 'all' : 'none';
  },
  mayDo(principal, action) {
    return this.scope(principal, action) === 'all';
  },
};
