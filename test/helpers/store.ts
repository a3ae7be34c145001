import type { Store } from '../../lib/store/store.ts';

/** A store whose commits go through a test; everything else is the store's own. */
export function withCommit(store: Store, commit: Store['commit']): Store {
  return Object.create(store, {
    commit: { value: commit },
    view: { get: () => store.view },
    pending: { get: () => store.pending },
    failure: { get: () => store.failure },
    onChange: { value: store.onChange.bind(store) },
  });
}
