import { type Clock, systemClock } from './clock.ts';
import { type Random, systemRandom } from './random.ts';
import { type Resolver, systemResolver } from './resolver.ts';

/**
 * The sources of nondeterminism of a process: time, randomness and name resolution. The code that wires the process together passes it
 * on, and each part declares which of the three it needs. Tests replace them to make runs repeatable.
 */
export interface World {
  clock: Clock;
  random: Random;
  resolver: Resolver;
}

/** The machine's clock, random numbers and resolver. */
export const systemWorld: World = { clock: systemClock, random: systemRandom, resolver: systemResolver };
