import { MerapiError } from '../base/errors.ts';
import type { ClusterView } from '../model/view.ts';
import type { Author, JobReader, JobStore } from '../store/define.ts';
import type { Build } from '../units/define.ts';

/**
 * The store as the jobs of one session of the queue use it: once the session is over, every commit is refused. Above all the jobs
 * that stop then must not record this as their failure.
 */
export class FencedStore implements JobStore {
  readonly jobs: JobReader;
  readonly #store: JobStore;
  readonly #isOver: () => boolean;

  constructor(store: JobStore, isOver: () => boolean) {
    this.jobs = store.jobs;
    this.#store = store;
    this.#isOver = isOver;
  }

  get pending(): ClusterView {
    return this.#store.pending;
  }

  commit(author: Author, build: Build): Promise<void> {
    return this.#isOver()
      ? Promise.reject(new MerapiError('unavailable', 'The master is stopping'))
      : this.#store.commit(author, build);
  }
}
