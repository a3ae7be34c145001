import { type Clock, systemClock } from './clock.ts';
import { type Random, systemRandom } from './random.ts';

/**
 * What a process has of the world beside its disk, its network and the programs that it runs: time and chance. Who wires a process together
 * hands it to each part; a part asks for what it needs of it.
 */
export interface World {
  clock: Clock;
  random: Random;
}

/** The machine's. */
export const systemWorld: World = { clock: systemClock, random: systemRandom };
