import * as z from 'zod';
import { MerapiError } from '../base/errors.ts';

/** The most calls that change one node which a master has under way there at once; further ones wait for their turn. */
export const CALLS_AT_ONCE = 1000;

/**
 * Where a call that changes a node stands among all of the masters of a cluster: `epoch` rises with each life of a master, and
 * `number` with each call within it. `open` are the lower numbers of the calls to the node that the master still waits for:
 * every other lower one has ended for it, answered or given up.
 */
export const CallOrder = z.strictObject({
  epoch: z.number().int(),
  number: z.number().int(),
  open: z.array(z.number().int()).max(CALLS_AT_ONCE),
});
export type CallOrder = z.infer<typeof CallOrder>;

/** The calls to one node. */
interface Calls {
  /** The numbers of those under way. */
  open: Set<number>;
  /** How many places of the limit are taken: by those under way, and by one that has just been handed a place. */
  places: number;
  /** Those that wait for a place, in their order. */
  waiting: (() => void)[];
}

/** The numbers that one life of a master gives to its calls. */
export class Numbering {
  readonly #epoch: number;
  readonly #limit: number;
  #last = 0;
  readonly #calls = new Map<string, Calls>();

  /** `limit` is how many calls to one node are under way at once. */
  constructor(epoch: number, limit = CALLS_AT_ONCE) {
    this.#epoch = epoch;
    this.#limit = limit;
  }

  /** Makes a call with the next number; once `call` has ended, the node is to begin nothing under that number any more. */
  async during<T>(node: string, call: (order: CallOrder) => Promise<T>): Promise<T> {
    const calls = this.#calls.get(node) ?? { open: new Set(), places: 0, waiting: [] };
    this.#calls.set(node, calls);
    if (calls.places < this.#limit) calls.places++;
    else await new Promise<void>((resolve) => calls.waiting.push(resolve));
    const number = ++this.#last;
    const order = { epoch: this.#epoch, number, open: [...calls.open] };
    calls.open.add(number);
    try {
      return await call(order);
    } finally {
      calls.open.delete(number);
      const next = calls.waiting.shift();
      if (next) next();
      else if (--calls.places === 0) this.#calls.delete(node);
    }
  }
}

/**
 * Keeps a worker from beginning what no master waits for any more: a request may come late, from a connection that was cut or
 * out of the buffers of a worker that stood still, when its step has been undone long since. The newest call that has come
 * decides: what had ended when that one began has ended for good. It is in memory only, because no request outlives the
 * process that it was sent to.
 */
export class Fence {
  #newest: CallOrder = { epoch: Number.NEGATIVE_INFINITY, number: 0, open: [] };

  /** @throws MerapiError unavailable when a call is late */
  pass(order: CallOrder): void {
    const { epoch, number, open } = this.#newest;
    if (order.epoch < epoch) throw new MerapiError('unavailable', 'Another master has taken over since');
    if (order.epoch > epoch || order.number > number) this.#newest = order;
    else if (order.number < number && !open.includes(order.number))
      throw new MerapiError('unavailable', 'The master has given this call up');
  }
}
