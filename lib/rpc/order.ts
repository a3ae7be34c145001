import { z } from 'zod';
import { MerapiError } from '../base/errors.ts';

/**
 * Where a call that changes a node stands among all of the masters of a cluster: `epoch` rises with each life of a master, and
 * `number` with each call within it. All calls to the node with a number below `floor` have ended for the master: answered or
 * given up.
 */
export const CallOrder = z.strictObject({
  epoch: z.number().int(),
  number: z.number().int(),
  floor: z.number().int(),
});
export type CallOrder = z.infer<typeof CallOrder>;

/** The numbers that one life of a master gives to its calls. */
export class Numbering {
  readonly #epoch: number;
  #last = 0;
  /** The numbers of the calls under way by the node, rising. */
  readonly #open = new Map<string, Set<number>>();

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** Makes a call with the next number; once `call` has ended, the node is to begin nothing under that number any more. */
  async during<T>(node: string, call: (order: CallOrder) => Promise<T>): Promise<T> {
    const number = ++this.#last;
    const open = this.#open.get(node) ?? new Set();
    this.#open.set(node, open.add(number));
    const [floor = number] = open;
    try {
      return await call({ epoch: this.#epoch, number, floor });
    } finally {
      open.delete(number);
      if (open.size === 0) this.#open.delete(node);
    }
  }
}

/**
 * Keeps a worker from beginning what no master waits for any more: a request may come late, from a connection that was cut or
 * out of the buffers of a worker that stood still, when its step has been undone long since. It is in memory only, because no
 * request outlives the process that it was sent to.
 */
export class Fence {
  #epoch = Number.NEGATIVE_INFINITY;
  #floor = Number.NEGATIVE_INFINITY;

  /** @throws MerapiError unavailable when a call is late */
  pass({ epoch, number, floor }: CallOrder): void {
    if (epoch < this.#epoch) throw new MerapiError('unavailable', 'Another master has taken over since');
    if (epoch > this.#epoch) [this.#epoch, this.#floor] = [epoch, floor];
    if (number < this.#floor) throw new MerapiError('unavailable', 'The master has given this call up');
    this.#floor = Math.max(this.#floor, floor);
  }
}
