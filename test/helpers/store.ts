import type { QueueStore } from '../../lib/store/define.ts';

/** A store whose commits go through a test; everything else is the store's own. */
export function withCommit(store: QueueStore, commit: QueueStore['commit']): QueueStore {
  return {
    get view() {
      return store.view;
    },
    get pending() {
      return store.pending;
    },
    get failure() {
      return store.failure;
    },
    jobs: store.jobs,
    commit,
    onChange: (listener) => store.onChange(listener),
  };
}
