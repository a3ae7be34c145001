import { type Clock, systemClock } from './clock.ts';
import { type Random, systemRandom } from './random.ts';
import { type Resolver, systemResolver } from './resolver.ts';

/**
 * What comes from outside of a process by no interface of its own: time, chance and the addresses of hosts. Who wires the process together
 * hands it to the parts, and each says what it needs of it. Nodes, the store and the users have interfaces too, and are handed on in the same way.
 */
export interface World {
  clock: Clock;
  random: Random;
  resolver: Resolver;
}

/** The machine's. */
export const systemWorld: World = { clock: systemClock, random: systemRandom, resolver: systemResolver };
