import { readdir, readFile } from 'node:fs/promises';
import { stringifyJson } from '../base/json.ts';
import { Listeners } from '../base/listeners.ts';
import type { World } from '../base/world.ts';
import type { HypervisorName } from '../model/hvparams/index.ts';
import type { FactsSource } from '../rpc/facts-stream.ts';
import type { GuestFacts, NodeFacts, RuntimeFacts } from '../rpc/types.ts';
import { bootId } from './processes.ts';
import { spaceOf } from './storage/space.ts';

/** Milliseconds between two tellings at least: each is read and compared by the master, as large as the node is. */
const TELL_PAUSE = 20;

/** Where facts about the guests come from. */
export interface FactsOptions extends World {
  /** The real folder of the first storage root; null when the node keeps no disks. */
  storageFolder: string | null;
  guests: () => readonly GuestFacts[];
  /** Whether guests of a hypervisor are simulated: their memory is counted as taken, for they take none. By default none are. */
  isSimulated?: (hypervisor: HypervisorName) => boolean;
  /** The hooks that have a script on the node; by default none. */
  hooks?: () => Promise<string[]>;
}

/** The runtime facts of one node, measured at each use; within this epoch the version grows whenever they differ. */
export class Facts implements FactsSource {
  readonly #options: FactsOptions;
  readonly #epoch: string;
  readonly #listeners = new Listeners();
  readonly #constant = measureConstants();
  #version = 0;
  #last = '';
  #isDue = false;
  /** When the listeners were told last, by now(). */
  #told = Number.NEGATIVE_INFINITY;

  constructor(options: FactsOptions) {
    this.#options = options;
    this.#epoch = options.random.uuid();
    this.#constant.catch(() => undefined); // current() reports it
  }

  async current(): Promise<RuntimeFacts> {
    const hooks = (await this.#options.hooks?.()) ?? [];
    const memory = await measureMemory();
    const measured = {
      ...(await measureDisk(this.#options.storageFolder)),
      ...(await this.#constant),
      ...(hooks.length > 0 ? { hooks } : {}),
    };
    // The guests come last, without a pause before the version is given: so a higher version never tells older things of them.
    const guests = [...this.#options.guests()];
    const node = {
      ...memory,
      memory_free: Math.max(0, memory.memory_free - this.#simulated(guests)),
      ...measured,
    };
    const text = stringifyJson([node, guests]);
    if (text !== this.#last) this.#version++;
    this.#last = text;
    return { epoch: this.#epoch, version: this.#version, node, guests };
  }

  /** MiB that simulated guests would take. */
  #simulated(guests: readonly GuestFacts[]): number {
    const { isSimulated } = this.#options;
    if (!isSimulated) return 0;
    const taking = guests.filter((guest) => guest.state !== 'stopped' && isSimulated(guest.hypervisor));
    return taking.reduce((sum, { memory }) => sum + memory, 0);
  }

  /** To be called when something changed; changes of one moment are told together, and so are very many. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const { clock } = this.#options;
    const tell = () => {
      this.#isDue = false;
      this.#told = clock.now();
      this.#listeners.notify();
    };
    const pause = this.#told + TELL_PAUSE - clock.now();
    if (pause <= 0) setImmediate(tell);
    else clock.timer(pause, tell).unref();
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }
}

type MemoryFacts = Record<'memory_total' | 'memory_free' | 'memory_dom0', number>;
type DiskFacts = Pick<NodeFacts, 'disk_total' | 'disk_free'>;
type ConstantFacts = Omit<NodeFacts, keyof MemoryFacts | keyof DiskFacts | 'hooks'>;

/**
 * Free is what guests could have: unused memory, buffers and the page cache. The host's own is what its kernel calls active, as in
 * Ganeti: what neither of them counts is missing for programs that add up a node (hbal, hspace), and they tolerate a little of that.
 */
export function parseMemory(meminfo: string): MemoryFacts {
  const kib = (key: string) => Number(new RegExp(`^${key}: +([0-9]+) kB`, 'm').exec(meminfo)?.[1] ?? 0);
  return {
    memory_total: Math.floor(kib('MemTotal') / 1024),
    memory_free: Math.floor((kib('MemFree') + kib('Buffers') + kib('Cached')) / 1024),
    memory_dom0: Math.floor(kib('Active') / 1024),
  };
}

/** Logical CPUs and sockets; a machine that does not tell its sockets has one. */
export function parseCpus(cpuinfo: string): { cpus: number; sockets: number } {
  const cpus = cpuinfo.match(/^processor\s*:/gm)?.length ?? 0;
  const sockets = new Set(cpuinfo.match(/^physical id\s*:.*$/gm) ?? []).size;
  return { cpus, sockets: sockets || 1 };
}

async function measureMemory(): Promise<MemoryFacts> {
  return parseMemory(await readFile('/proc/meminfo', 'utf8'));
}

/** The file system that holds the folder, or will hold it once it is made. */
async function measureDisk(folder: string | null): Promise<DiskFacts> {
  if (folder === null) return { disk_total: null, disk_free: null };
  const { size, free } = await spaceOf(folder);
  return { disk_total: size, disk_free: free };
}

async function measureConstants(): Promise<ConstantFacts> {
  const { cpus, sockets } = parseCpus(await readFile('/proc/cpuinfo', 'utf8'));
  const nodes = await readdir('/sys/devices/system/node').catch(() => []);
  return {
    spindles_total: null,
    spindles_free: null,
    cpu_total: cpus,
    cpu_nodes: nodes.filter((name) => /^node[0-9]+$/.test(name)).length || 1,
    cpu_sockets: sockets,
    cpu_dom0: cpus,
    bootid: await bootId(),
  };
}
