import { MerapiError } from '../base/errors.ts';
import { namedKindOf, type ObjectRef } from '../model/access.ts';
import { checkTags, findTagged, retag, type Tagged } from '../units/tags/tagging.ts';
import type { Manager, MetadataChange } from './define.ts';
import type { ManagerContext } from './parts.ts';

/** The changes of objects that need no job: they touch no node and wait for no job, and are durable when the promise resolves. */
export function metadataFunctions({ store, clock, rightsOf }: ManagerContext): Pick<Manager, 'change'> {
  return {
    async change(principal, change: MetadataChange) {
      const rights = rightsOf(principal);
      const { kind, name } = change.object;
      if (kind !== 'cluster') rights.demandSome('look', `${kind}s`);
      const found = findTagged(rights.seen('look'), kind, name);
      rights.demand('write', refOf(found));
      const add = checkTags(change.add ?? []);
      // The commit sees a newer state: the name may belong to another object by then, for which nobody checked the rights.
      await store.commit({ job: null }, (view) => {
        const { uuid, serial_no } = findTagged(view, kind, name);
        if (uuid !== found.uuid || (change.serial !== undefined && change.serial !== serial_no))
          throw new MerapiError(
            'conflict',
            `The ${kind} ${name ?? ''} has changed in the meantime; read it again`,
          );
        const edit = (tags: Set<string>) => {
          for (const tag of change.remove ?? []) tags.delete(tag);
          for (const tag of add) tags.add(tag);
        };
        return retag(view, found, edit, clock.seconds());
      });
    },
  };
}

/** The object as the policy knows it. */
function refOf({ kind, uuid }: Tagged): ObjectRef {
  return kind === 'cluster' ? { kind, id: null } : { kind: namedKindOf(kind), id: uuid };
}
