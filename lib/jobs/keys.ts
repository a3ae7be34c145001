import { MerapiError } from '../base/errors.ts';
import type { Seal } from '../base/seal.ts';
import type { JobStore } from '../store/define.ts';

/** A request that its sender may repeat. */
export interface KeyedRequest {
  /** Who sends it; keys of others are others. */
  readonly principal: string;
  readonly key: string;
  /** What tells the request from others: the same for the same one. It is stored only as the seal's fingerprint of it. */
  readonly fingerprint: string;
}

/** Makes one job of a request, however often it comes, and at once or later. */
export class Keys {
  readonly #store: Pick<JobStore, 'jobs'>;
  readonly #seal: Pick<Seal, 'fingerprint'>;
  /** Those that come now, by who sends them and the key. */
  readonly #underWay = new Map<string, { fingerprint: string; job: Promise<number> }>();

  constructor(store: Pick<JobStore, 'jobs'>, seal: Pick<Seal, 'fingerprint'>) {
    this.#store = store;
    this.#seal = seal;
  }

  /**
   * The job that the request became; `submit` makes it if there is none yet, and stores the request as it is given to it.
   * @throws MerapiError conflict; and what submit() throws
   */
  async once(given: KeyedRequest, submit: (request: KeyedRequest) => Promise<number>): Promise<number> {
    const request = { ...given, fingerprint: this.#seal.fingerprint(given.fingerprint) };
    const { principal, key, fingerprint } = request;
    const place = JSON.stringify([principal, key]);
    const now = this.#underWay.get(place);
    if (now) {
      checkFingerprint(now.fingerprint, request);
      return now.job;
    }
    const job = (async () => {
      const known = await this.#store.jobs.keyed(principal, key);
      if (known) checkFingerprint(known.fingerprint, request);
      return known?.job ?? submit(request);
    })();
    this.#underWay.set(place, { fingerprint, job });
    try {
      return await job;
    } finally {
      this.#underWay.delete(place);
    }
  }
}

/** In the place of a fingerprint that an older release stored without the key, and that is therefore not kept. */
const FORGOTTEN = '';

function checkFingerprint(known: string, { key, fingerprint }: KeyedRequest): void {
  if (known !== fingerprint && known !== FORGOTTEN)
    throw new MerapiError('conflict', `Another request was sent with the Idempotency-Key '${key}' before`);
}
