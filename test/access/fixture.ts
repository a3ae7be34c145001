import type { Policy } from '../../lib/access/policy.ts';
import type { Principal } from '../../lib/access/principal.ts';
import type { Action, ObjectRef } from '../../lib/model/access.ts';

/** A user who may do everything to what a made-up policy grants, and nothing to anything else. */
export const alice: Principal = { name: 'alice', rights: [] };
/** One who may do everything to everything. */
export const admin: Principal = { name: 'admin', rights: ['write'] };

/** A made-up policy: `alice` has the objects for which `grants` says so, and `admin` has all; others have nothing. */
export class OwnersPolicy implements Policy {
  /** Every question about a single object. */
  readonly asked: [Action, ObjectRef][] = [];
  readonly #grants: (object: ObjectRef, action: Action) => boolean;

  constructor(grants: (object: ObjectRef, action: Action) => boolean) {
    this.#grants = grants;
  }

  scope({ name }: Principal): 'all' | 'some' | 'none' {
    if (name === admin.name) return 'all';
    return name === alice.name ? 'some' : 'none';
  }

  mayDo({ name }: Principal, action: Action, object: ObjectRef): boolean {
    this.asked.push([action, object]);
    return name === alice.name && this.#grants(object, action);
  }
}

/** An object as a text, for tests that list what is granted. */
export const keyOf = ({ kind, id }: ObjectRef): string => `${kind} ${id}`;
