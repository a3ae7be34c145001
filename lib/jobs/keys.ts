// Idempotency keys: a request that is repeated with the same `Idempotency-Key` makes one job, whether the first one has been answered,
// is still being stored, or was stored before a restart. The key is stored in the transaction that adds the job.
import { MerapiError } from '../base/errors.ts';
import type { Seal } from '../base/seal.ts';
import type { JobStore } from '../store/define.ts';

/** A request with an idempotency key. */
export interface KeyedRequest {
  /** The sender; keys are scoped to it. */
  readonly principal: string;
  readonly key: string;
  /** The content of the request (method, address, body) as one string. Only its keyed fingerprint is stored, never the string. */
  readonly fingerprint: string;
}

/** Looks up keys, and joins requests with the same key that arrive while the first is being stored. */
export class Keys {
  readonly #store: Pick<JobStore, 'jobs'>;
  readonly #seal: Pick<Seal, 'fingerprint'>;
  /** The requests that are being stored, by principal and key. */
  readonly #underWay = new Map<string, { fingerprint: string; job: Promise<number> }>();

  constructor(store: Pick<JobStore, 'jobs'>, seal: Pick<Seal, 'fingerprint'>) {
    this.#store = store;
    this.#seal = seal;
  }

  /**
   * The number of the request's job. If there is none yet, `submit` makes it, and stores the key and fingerprint that it gets.
   * @throws MerapiError conflict when another request had the key; and what submit() throws
   */
  async once(given: KeyedRequest, submit: (request: KeyedRequest) => Promise<number>): Promise<number> {
    const request = { ...given, fingerprint: this.#seal.fingerprint(given.fingerprint) };
    const { principal, key, fingerprint } = request;
    const scopedKey = JSON.stringify([principal, key]);
    const now = this.#underWay.get(scopedKey);
    if (now) {
      checkFingerprint(now.fingerprint, request);
      return now.job;
    }
    const job = (async () => {
      const known = await this.#store.jobs.keyed(principal, key);
      if (known) checkFingerprint(known.fingerprint, request);
      return known?.job ?? submit(request);
    })();
    this.#underWay.set(scopedKey, { fingerprint, job });
    try {
      return await job;
    } finally {
      this.#underWay.delete(scopedKey);
    }
  }
}

/** Stored instead of a fingerprint that an older release had made without the secret key; it matches every request. */
const FORGOTTEN = '';

function checkFingerprint(known: string, { key, fingerprint }: KeyedRequest): void {
  if (known !== fingerprint && known !== FORGOTTEN)
    throw new MerapiError('conflict', `Another request was sent with the Idempotency-Key '${key}' before`);
}
