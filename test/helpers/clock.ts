import { EventEmitter, once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { type Clock, clockOf, type Timer } from '../../lib/base/clock.ts';
import { inTime } from './patience.ts';

/** How a machine's clock is wrong. */
export interface Skew {
  /** What it tells at first, in milliseconds since 1970. */
  wall?: number;
  /** How many of its seconds pass in a second. */
  rate?: number;
}

/** The clock of one machine. */
export interface MachineClock extends Clock {
  /** Sets the machine's time, in milliseconds since 1970: seconds() jumps, and no timer moves. */
  set(wall: number): void;
}

/** A timer that is not over. */
interface Due {
  readonly at: number;
  readonly callback: () => void;
  isRef: boolean;
}

/** The time of a test's start: 2026-01-01 00:00:00 UTC. */
const START = Date.UTC(2026, 0, 1);
/** The shortest timer, in milliseconds, as with Node.js: so nobody who sets one again and again stops the time. */
const SHORTEST_TIMER = 1;
/** How many turns of the event loop work in memory gets after each timer. */
const TURNS = 3;

/**
 * Time that goes only when a test lets it. All clocks of a simulation go by it, each wrong in its own way. Timers fire one after
 * the other in the order of their moments, those of one moment in the order in which they were set; what follows from one in memory
 * has happened before the next. Nobody waits for what the disk, the net or a program does.
 */
export class VirtualTime {
  /** True milliseconds since the start. */
  #now = 0;
  /** In the order in which they fire. */
  readonly #timers: Due[] = [];
  readonly #set = new EventEmitter();

  get now(): number {
    return this.#now;
  }

  /** How long it is until each timer fires, in milliseconds, in their order. */
  get pending(): number[] {
    return this.#timers.map(({ at }) => at - this.#now);
  }

  /** Whether a timer would keep the process alive. */
  get isAwaited(): boolean {
    return this.#timers.some(({ isRef }) => isRef);
  }

  /** Makes the clock of a machine that starts now. */
  clock({ wall = START, rate = 1 }: Skew = {}): MachineClock {
    const born = this.#now;
    const steady = () => (this.#now - born) * rate;
    let ahead = wall;
    const clock = clockOf({
      wall: () => Math.floor(ahead + steady()),
      steady,
      timer: (milliseconds, callback) => this.#timer(Math.max(milliseconds, SHORTEST_TIMER) / rate, callback),
    });
    return {
      ...clock,
      set: (time) => {
        ahead = time - steady();
      },
    };
  }

  /** Lets so many milliseconds pass. @throws what a callback throws */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settled();
    for (let next = this.#timers[0]; next && next.at <= end; next = this.#timers[0]) await this.#fire(next);
    this.#now = end;
  }

  /** Lets the time pass to the next timer; false when there is none. @throws what its callback throws */
  async step(): Promise<boolean> {
    await settled();
    const next = this.#timers[0];
    if (next) await this.#fire(next);
    return next !== undefined;
  }

  /** Resolves when there is a timer: work that does something on the disk first has come to its wait. */
  async waited(): Promise<void> {
    if (this.#timers.length === 0) await inTime(once(this.#set, 'timer'), () => 'a timer');
  }

  async #fire(due: Due): Promise<void> {
    this.#timers.shift();
    this.#now = due.at;
    due.callback();
    await settled();
  }

  #timer(pause: number, callback: () => void): Timer {
    const due: Due = { at: this.#now + pause, callback, isRef: true };
    let place = this.#timers.length;
    while (place > 0 && (this.#timers[place - 1] as Due).at > due.at) place -= 1;
    this.#timers.splice(place, 0, due);
    this.#set.emit('timer');
    const timer: Timer = {
      cancel: () => {
        const found = this.#timers.indexOf(due);
        if (found >= 0) this.#timers.splice(found, 1);
      },
      unref: () => {
        due.isRef = false;
        return timer;
      },
    };
    return timer;
  }
}

/** Resolves when what can go on without a timer, the disk or the net has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate();
}
