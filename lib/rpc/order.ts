// Keeps a worker from executing a call that the master has given up. Such a call may still arrive: from a connection that was cut, or
// out of the buffers of a worker that was stopped, long after its step has been undone.
//
// The master numbers its calls (Numbering), and each carries the lower numbers that the master still waits for. The worker (Fence)
// keeps the newest order that it has seen: a lower number that is not among its open ones has been given up.
import * as z from 'zod';
import { MerapiError } from '../base/errors.ts';

/** How many calls that change one node may be under way there at once; further ones wait on the master. */
export const CALLS_AT_ONCE = 1000;

/**
 * The position of a call that changes a node in the order of all such calls: `epoch` increments with each start of a master, `number`
 * with each call of that master. `open` are the lower numbers of calls to the same node that the master still waits for; every other
 * lower one has ended for the master, answered or given up.
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
  /** How many slots of the limit are taken: by calls under way, and by waiters that have just been admitted. */
  slots: number;
  /** The waiters, in order. */
  waiting: (() => void)[];
}

/** Numbers the calls of one master process, and limits how many are under way to one node. */
export class Numbering {
  readonly #epoch: number;
  readonly #limit: number;
  #last = 0;
  readonly #calls = new Map<string, Calls>();

  /** @param limit how many calls to one node may be under way at once */
  constructor(epoch: number, limit = CALLS_AT_ONCE) {
    this.#epoch = epoch;
    this.#limit = limit;
  }

  /** Makes a call with the next number, after a wait at the limit. Once `call` has ended, the node must not begin it any more. */
  async during<T>(node: string, call: (order: CallOrder) => Promise<T>): Promise<T> {
    const calls = this.#calls.get(node) ?? { open: new Set(), slots: 0, waiting: [] };
    this.#calls.set(node, calls);
    if (calls.slots < this.#limit) calls.slots++;
    else await new Promise<void>((resolve) => calls.waiting.push(resolve));
    const number = ++this.#last;
    const order = { epoch: this.#epoch, number, open: [...calls.open] };
    calls.open.add(number);
    try {
      return await call(order);
    } finally {
      calls.open.delete(number);
      const next = calls.waiting.shift();
      if (next)
        next(); // the waiter takes over this slot
      else if (--calls.slots === 0) this.#calls.delete(node);
    }
  }
}

/**
 * The worker's side: refuses calls that no master waits for any more. It is in memory only, since no request outlives the process that
 * it was sent to.
 */
export class Fence {
  #newest: CallOrder = { epoch: Number.NEGATIVE_INFINITY, number: 0, open: [] };

  /** Checks a call before it is executed. @throws MerapiError unavailable when it has been given up, or is from an earlier master */
  pass(order: CallOrder): void {
    const { epoch, number, open } = this.#newest;
    if (order.epoch < epoch) throw new MerapiError('unavailable', 'A newer master has taken over');
    if (order.epoch > epoch || order.number > number) this.#newest = order;
    else if (order.number < number && !open.includes(order.number))
      throw new MerapiError('unavailable', 'The master has given this call up');
  }
}
