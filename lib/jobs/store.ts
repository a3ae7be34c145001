import { MerapiError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

/** The store as jobs see it: once they are to stop, nothing of them is written any more, their failures least of all. */
export function storeOfJobs(store: Store, isOver: () => boolean): Store {
  const commit: Store['commit'] = (author, build) =>
    isOver()
      ? Promise.reject(new MerapiError('unavailable', 'The master is stopping'))
      : store.commit(author, build);
  // Jobs build on what is written, on disk or not yet: their own records come after it.
  return Object.create(store, { commit: { value: commit }, view: { get: () => store.pending } });
}
