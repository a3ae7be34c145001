import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallName, calls } from '../../lib/rpc/registry.ts';
import type { Random } from '../helpers/random.ts';
import type { Direction } from './proxy.ts';
import { type Host, type Rig, replaceFile } from './rig.ts';
import type { SmallDisk } from './small-disk.ts';

/** How often each kind of fault comes, compared with the others. */
export const rates = {
  'kill master': 14,
  'kill worker': 14,
  'long outage of a worker': 1,
  'freeze worker': 8,
  'freeze and cut off worker': 2,
  'cut connections': 14,
  'refuse connections': 5,
  'delay connections': 8,
  'half-close connections': 8,
  'fail node calls': 24,
  'slow node calls': 8,
  'fill disk': 3,
} as const;
export type FaultKind = keyof typeof rates;

/** One fault as the seed decides it; the times are in milliseconds. */
export interface Fault {
  kind: FaultKind;
  /** The pause before it. */
  pause: number;
  /** How long it lasts, where it does. */
  time: number;
  /** The number of the node, where it concerns one. */
  node: number;
  direction: Direction;
  calls: readonly CallName[];
  times: number;
}

/** How many kinds of calls one fault concerns. */
const SPOILED = 8;
/** The calls that change nodes: those that faults make fail. */
const changing = (Object.keys(calls) as CallName[]).filter((name) => calls[name].mutates);

const longest: Record<FaultKind, [number, number]> = {
  'kill master': [0, 1500],
  'kill worker': [0, 2500],
  'long outage of a worker': [12_000, 15_000],
  'freeze worker': [200, 5000],
  'freeze and cut off worker': [10_500, 13_000],
  'cut connections': [0, 0],
  'refuse connections': [200, 4000],
  'delay connections': [1000, 6000],
  'half-close connections': [0, 0],
  'fail node calls': [0, 0],
  'slow node calls': [0, 0],
  'fill disk': [500, 3000],
};

/** The next fault. Everything is drawn whether it is needed or not, so that one fault never changes the others. */
export function nextFault(random: Random, nodes: number, mean: number): Fault {
  const pause = Math.round(random.next() * 2 * mean);
  const kind = random.weighted(rates);
  const [least, most] = longest[kind];
  return {
    kind,
    pause,
    time: random.int(least, most),
    node: random.int(0, nodes - 1),
    direction: random.pick(['out', 'back']),
    calls: Array.from({ length: SPOILED }, () => random.pick(changing)),
    times: random.int(1, 2),
  };
}

/** Does faults to a cluster, and counts them. */
export class Faults {
  readonly counts: Partial<Record<FaultKind, number>> = {};
  readonly #rig: Rig;
  readonly #disk: SmallDisk | null;
  readonly #lasting = new Set<Promise<void>>();
  #isFull = false;

  constructor(rig: Rig, disk: SmallDisk | null) {
    this.#rig = rig;
    this.#disk = disk;
  }

  /** When the disk was full, in milliseconds since 1970: what the master may end for. */
  readonly full: { from: number; to: number }[] = [];

  /** Begins a fault and comes back at once; what cannot be done now, such as to kill what is down, is left out. */
  begin(fault: Fault): void {
    const lasting = this.#perform(fault);
    if (!lasting) return;
    this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1;
    const counted = lasting.finally(() => this.#lasting.delete(counted));
    this.#lasting.add(counted);
  }

  /** Resolves when all faults have ended, with everything as it was. */
  async end(): Promise<void> {
    await Promise.all(this.#lasting);
    for (const { folder, proxy } of this.#rig.hosts) {
      proxy.delay(0);
      proxy.refuse(false);
      await rm(join(folder, 'faults.json'), { force: true });
    }
  }

  #perform(fault: Fault): Promise<void> | null {
    const { kind, time, direction } = fault;
    const host = this.#rig.hosts[fault.node] as Host;
    const { master } = this.#rig;
    switch (kind) {
      case 'kill master':
        return master.isBusy ? null : master.killFor(time);
      case 'kill worker':
      case 'long outage of a worker':
        return host.worker.isBusy ? null : host.worker.killFor(time);
      case 'freeze worker':
        return host.worker.isBusy ? null : host.worker.freezeFor(time);
      case 'freeze and cut off worker': {
        // What it has been sent it does when it awakes, though the master may have given up by then.
        if (host.worker.isBusy) return null;
        const frozen = host.worker.freezeFor(time);
        return sleep(50)
          .then(() => host.proxy.lose())
          .then(() => frozen)
          .finally(() => host.proxy.refuse(false));
      }
      case 'cut connections':
        return done(() => host.proxy.cut());
      case 'half-close connections':
        return done(() => host.proxy.halfClose(direction));
      case 'refuse connections':
        host.proxy.refuse(true);
        return sleep(time).then(() => host.proxy.refuse(false));
      case 'delay connections':
        host.proxy.delay(Math.round(time / 10));
        return sleep(time).then(() => host.proxy.delay(0));
      case 'fail node calls':
        return spoil(host, fault, { fail: 'the fault that was ordered', code: 'hypervisor' });
      case 'slow node calls':
        return spoil(host, fault, { delay: 1 });
      case 'fill disk':
        return this.#disk && !this.#isFull ? this.#fill(this.#disk, time) : null;
    }
  }

  async #fill(disk: SmallDisk, time: number): Promise<void> {
    this.#isFull = true;
    const period = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.full.push(period);
    try {
      await disk.fill();
      await sleep(time);
    } finally {
      await disk.free();
      this.#isFull = false;
      period.to = Date.now();
    }
  }
}

/** Lets some calls of a node go wrong, in the place of those that were to go wrong before. */
function spoil({ folder }: Host, { calls: names, times }: Fault, how: object): Promise<void> {
  const switches = Object.fromEntries(names.map((name) => [name, { ...how, times }]));
  return replaceFile(join(folder, 'faults.json'), JSON.stringify(switches));
}

async function done(action: () => void): Promise<void> {
  action();
}
