import type { Action, ObjectRef } from '../model/access.ts';
import type { Principal } from './principal.ts';

/** Over which objects someone may do something: all there are and will be, some of them, or none at all. */
export type Scope = 'all' | 'some' | 'none';

/**
 * The rule that says who may do what to which object. One is handed to the manager when the process is put together, and everything
 * asks that one: another rule needs no change of any other code.
 *
 * It is never asked about SYSTEM. A policy need not know what belongs together: where it does not grant a job, a duty or a disk by itself, the rights to what
 * these are about decide (rights.ts).
 */
export interface Policy {
  /**
   * Over which objects someone may do something. For `all` and `none` no single object is asked about, so that lists cost the same
   * as without a policy.
   */
  scope(principal: Principal, action: Action): Scope;
  /**
   * Whether someone may do something to one object; asked where the scope is `some` only. Lists ask it of every object, so it should
   * take about as long as a lookup. For an id of null it says whether they may do it to all objects of the kind, make a new one, or
   * try it with a name that stands for nothing.
   */
  mayDo(principal: Principal, action: Action, object: ObjectRef): boolean;
}

/** The rule of Ganeti's RAPI: everybody may look, and the rights of the users file count for all objects alike. */
export const sameForAll: Policy = {
  scope({ rights }, action) {
    const includes =
      action === 'look' || rights.includes('write') || (action === 'read' && rights.includes('read'));
    return includes ? 'all' : 'none';
  },
  mayDo(principal, action) {
    return this.scope(principal, action) === 'all';
  },
};
