import { MerapiError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

/** A request that its sender may repeat. */
export interface KeyedRequest {
  /** Who sends it; keys of others are others. */
  readonly principal: string;
  readonly key: string;
  /** What tells the request from others: the same for the same one. */
  readonly print: string;
}

/** Makes one job of a request, however often it comes, and at once or later. */
export class Keys {
  readonly #store: Store;
  /** Those that come now, by who sends them and the key. */
  readonly #underWay = new Map<string, { print: string; job: Promise<number> }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The job that the request became; `submit` makes it if there is none yet. @throws MerapiError conflict; and what submit() throws */
  async once(request: KeyedRequest, submit: () => Promise<number>): Promise<number> {
    const { principal, key, print } = request;
    const place = JSON.stringify([principal, key]);
    const now = this.#underWay.get(place);
    if (now) {
      checkPrint(now.print, request);
      return now.job;
    }
    const job = (async () => {
      const known = await this.#store.jobs.keyed(principal, key);
      if (known) checkPrint(known.print, request);
      return known?.job ?? submit();
    })();
    this.#underWay.set(place, { print, job });
    try {
      return await job;
    } finally {
      this.#underWay.delete(place);
    }
  }
}

function checkPrint(known: string, { key, print }: KeyedRequest): void {
  if (known !== print)
    throw new MerapiError('conflict', `Another request was sent with the Idempotency-Key '${key}' before`);
}
