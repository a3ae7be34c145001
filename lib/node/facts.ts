// The runtime facts of a node: its memory, disk and CPUs, and the state of each guest. The master gets them as a stream and in the
// answer of each call that changes the node; it never stores them. Memory and disk sizes are in MiB.
import { readdir, readFile } from 'node:fs/promises';
import { stringifyJson } from '../base/json.ts';
import { Listeners } from '../base/listeners.ts';
import type { World } from '../base/world.ts';
import type { HypervisorName } from '../model/hvparams/index.ts';
import type { FactsSource } from '../rpc/facts-stream.ts';
import type { GuestFacts, NodeFacts, RuntimeFacts } from '../rpc/types.ts';
import { bootId } from './processes.ts';
import { spaceOf } from './storage/space.ts';

/** Minimum milliseconds between two notifications: after each one the whole facts are sent and the master compares them. */
const NOTIFY_PAUSE = 20;

/** Where the facts come from. */
export interface FactsOptions extends World {
  /** The real path of the first storage root, whose file system is measured; null when the node keeps no disks. */
  storageFolder: string | null;
  guests: () => readonly GuestFacts[];
  /**
   * Whether guests of a hypervisor are simulated. Those use no memory of the host, so theirs is subtracted from the free memory here.
   * By default none are.
   */
  isSimulated?: (hypervisor: HypervisorName) => boolean;
  /** The hooks that have scripts on the node; by default none. */
  hooks?: () => Promise<string[]>;
}

/**
 * Measures the facts of one node on each request. The epoch is new for each start of the worker; within an epoch the version
 * increases whenever the facts differ from the last ones, so the highest version is the current one.
 */
export class Facts implements FactsSource {
  readonly #options: FactsOptions;
  readonly #epoch: string;
  readonly #listeners = new Listeners();
  readonly #constant = measureConstants();
  #version = 0;
  #last = '';
  #isDue = false;
  /** Called when nobody follows the facts any more: the master has ended, or the connection to it. */
  onUnwatched: () => void = () => undefined;
  /** When the listeners were last notified, by now(). */
  #notified = Number.NEGATIVE_INFINITY;

  constructor(options: FactsOptions) {
    this.#options = options;
    this.#epoch = options.random.uuid();
    this.#constant.catch(() => undefined); // current() throws it
  }

  /** Measures the facts now. */
  async current(): Promise<RuntimeFacts> {
    const hooks = (await this.#options.hooks?.()) ?? [];
    const memory = await measureMemory();
    const measured = {
      ...(await measureDisk(this.#options.storageFolder)),
      ...(await this.#constant),
      ...(hooks.length > 0 ? { hooks } : {}),
    };
    // Guests are read last, with no await before the version is assigned. Otherwise two concurrent requests could assign a higher
    // version to older states of guests.
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

  /** MiB that the simulated guests would use if they were real. */
  #simulated(guests: readonly GuestFacts[]): number {
    const { isSimulated } = this.#options;
    if (!isSimulated) return 0;
    const up = guests.filter((guest) => guest.state !== 'stopped' && isSimulated(guest.hypervisor));
    return up.reduce((sum, { memory }) => sum + memory, 0);
  }

  /** To be called after each change. Notifies the listeners soon; several changes within NOTIFY_PAUSE make one notification. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const { clock } = this.#options;
    const notify = () => {
      this.#isDue = false;
      this.#notified = clock.now();
      this.#listeners.notify();
    };
    const pause = this.#notified + NOTIFY_PAUSE - clock.now();
    if (pause <= 0) setImmediate(notify);
    else clock.timer(pause, notify).unref();
  }

  /** Calls `listener` when current() may return something new, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    const remove = this.#listeners.add(listener);
    return () => {
      remove();
      if (this.#listeners.size === 0) this.onUnwatched();
    };
  }
}

type MemoryFacts = Record<'memory_total' | 'memory_free' | 'memory_dom0', number>;
type DiskFacts = Pick<NodeFacts, 'disk_total' | 'disk_free'>;
type ConstantFacts = Omit<NodeFacts, keyof MemoryFacts | keyof DiskFacts | 'hooks'>;

/**
 * Parses /proc/meminfo as Ganeti does. Free memory is what guests could get: unused memory, buffers and the page cache. The host's
 * own memory is what the kernel calls active. Programs that add up the memory of a node (hbal, hspace) find a small amount
 * missing, which neither of the two counts; they tolerate that.
 */
export function parseMemory(meminfo: string): MemoryFacts {
  const kib = (key: string) => Number(new RegExp(`^${key}: +([0-9]+) kB`, 'm').exec(meminfo)?.[1] ?? 0);
  return {
    memory_total: Math.floor(kib('MemTotal') / 1024),
    memory_free: Math.floor((kib('MemFree') + kib('Buffers') + kib('Cached')) / 1024),
    memory_dom0: Math.floor(kib('Active') / 1024),
  };
}

/** Parses /proc/cpuinfo: logical CPUs, and sockets; a machine that does not report its sockets counts as one. */
export function parseCpus(cpuinfo: string): { cpus: number; sockets: number } {
  const cpus = cpuinfo.match(/^processor\s*:/gm)?.length ?? 0;
  const sockets = new Set(cpuinfo.match(/^physical id\s*:.*$/gm) ?? []).size;
  return { cpus, sockets: sockets || 1 };
}

async function measureMemory(): Promise<MemoryFacts> {
  return parseMemory(await readFile('/proc/meminfo', 'utf8'));
}

/** Size and free space of the file system of a folder, which need not exist yet. */
async function measureDisk(folder: string | null): Promise<DiskFacts> {
  if (folder === null) return { disk_total: null, disk_free: null };
  const { size, free } = await spaceOf(folder);
  return { disk_total: size, disk_free: free };
}

/** The facts that do not change while the worker runs. Spindles are not measured. */
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
