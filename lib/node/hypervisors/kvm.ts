// The driver of QEMU. Each guest is one QEMU process that outlives the worker, and a folder FOLDER/guests/UUID with its record, logs and
// sockets. Files in kvm/, from the bottom up:
//
//   lines, channel, qmp-table, qmp   the connection to QEMU's monitor
//   params, machine, devices, command  the command line
//   process, launch, qemu            the process, and the connection to it
//   record, follow, guest            one guest: its stored state, brought into agreement with its process
//   unknown                          guests whose record cannot be read
//
// A guest that is not understood is never started, stopped or reported as absent: the master might start it on another node.
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { GuestFacts, InstanceTarget } from '../../rpc/types.ts';
import type {
  AgentEvent,
  AgentPorts,
  Hotplug,
  Hypervisor,
  HypervisorDriver,
  HypervisorOptions,
  OpenDisk,
  StartOptions,
  StopOptions,
} from './define.ts';
import { AcceleratorProbe } from './kvm/accelerator.ts';
import { StartCheck } from './kvm/check.ts';
import { Guest, type GuestContext } from './kvm/guest.ts';
import { chooseAccelerator } from './kvm/machine.ts';
import { findByPidFile } from './kvm/process.ts';
import { UnknownGuests } from './kvm/unknown.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `folder` is shared with other drivers; kvm uses FOLDER/guests/UUID for each guest and FOLDER/accel.json for the result of its probe. */
export interface KvmOptions extends HypervisorOptions {
  /** Milliseconds that a running guest gets to release a device or memory. */
  patience?: number;
}

/** The default of `patience`. */
const PATIENCE = 20_000;

export const kvmDriver: HypervisorDriver = {
  simulated: false,
  create: (options) => new KvmHypervisor(options),
};

/** QEMU, with hardware virtualisation (KVM) or without (TCG). */
export class KvmHypervisor implements Hypervisor {
  readonly kind = 'kvm';
  readonly hotplug: Hotplug = {
    plug: async (instance, device) => (await this.#known(instance))?.plug(instance, device),
    unplug: async (instance, device) => (await this.#known(instance))?.unplug(instance, device),
  };
  readonly agents: AgentPorts = {
    port: (uuid) => this.#guests.get(uuid)?.agentPort() ?? null,
    onEvent: (listener) => {
      this.#agentListeners.push(listener);
    },
  };
  readonly #folder: string;
  readonly #context: GuestContext;
  /** By uuid. */
  readonly #guests = new Map<string, Guest>();
  readonly #check: StartCheck;
  /** The guests whose record cannot be read; a guest is never here and in #guests. */
  readonly #unknown: UnknownGuests;
  readonly #listeners: (() => void)[] = [];
  readonly #agentListeners: ((uuid: string, event: AgentEvent) => void)[] = [];

  constructor({ folder, network, log, accel, patience = PATIENCE }: KvmOptions) {
    this.#folder = join(resolve(folder), 'guests');
    const probe = new AcceleratorProbe(join(resolve(folder), 'accel.json'), log);
    this.#context = {
      network,
      log,
      patience,
      accelerator: (params) => chooseAccelerator(params, accel, () => probe.best(params.text('kvm_path'))),
      changed: () => {
        for (const listener of this.#listeners) listener();
      },
      agent: (uuid, event) => {
        for (const listener of this.#agentListeners) listener(uuid, event);
      },
    };
    this.#check = new StartCheck(this.#context.accelerator);
    this.#unknown = new UnknownGuests({
      ...{ folder: this.#folder, log, changed: this.#context.changed },
      adopt: (uuid, found) => this.#guest(uuid).load(found),
    });
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const processes = await findByPidFile(this.#folder);
    // Other drivers of the same worker may have files of their own here.
    const folders = (await readdir(this.#folder, { withFileTypes: true })).filter(
      (entry) => entry.isDirectory() && UUID.test(entry.name),
    );
    const uuids = new Set([...folders.map(({ name }) => name), ...processes.keys()]);
    await Promise.all([...uuids].map((uuid) => this.#unknown.inspect(uuid, processes.get(uuid) ?? null)));
  }

  async close(): Promise<void> {
    this.#unknown.close();
    await Promise.all([...this.#guests.values()].map((guest) => guest.close()));
  }

  guests(): readonly GuestFacts[] {
    const known = [...this.#guests.values()].map((guest) => guest.facts()).filter((facts) => facts !== null);
    return [...known, ...this.#unknown.facts()];
  }

  check(instance: InstanceTarget): Promise<void> {
    return this.#check.check(instance);
  }

  async start(instance: InstanceTarget, options: StartOptions): Promise<void> {
    if (!UUID.test(instance.uuid))
      throw new MerapiError('hypervisor', `QEMU accepts no guest with the malformed uuid ${instance.uuid}`);
    await this.#unknown.check(instance.uuid);
    await this.#guest(instance.uuid).start(instance, options);
  }

  async stop(instance: InstanceTarget, options: StopOptions): Promise<void> {
    await (await this.#known(instance))?.stop(options);
  }

  async reset(instance: InstanceTarget): Promise<void> {
    const guest = await this.#known(instance);
    if (!guest)
      throw new MerapiError('wrong_state', `Instance ${instance.name} does not run, so it cannot be reset`);
    await guest.reset();
  }

  async resize(instance: InstanceTarget, disk: OpenDisk): Promise<void> {
    await (await this.#known(instance))?.resize(disk);
  }

  async setMemory(instance: InstanceTarget, memory: number): Promise<void> {
    const guest = await this.#known(instance);
    if (!guest)
      throw new MerapiError(
        'wrong_state',
        `Instance ${instance.name} does not run, so its memory cannot be changed`,
      );
    await guest.setMemory(memory);
  }

  async forget(instance: InstanceTarget): Promise<void> {
    await (await this.#known(instance))?.forget();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The guest of an instance, if there is one. @throws MerapiError configuration when its record cannot be read */
  async #known({ uuid }: InstanceTarget): Promise<Guest | undefined> {
    await this.#unknown.check(uuid);
    return this.#guests.get(uuid);
  }

  /** The guest with this uuid, a new one without a record or process if there is none. */
  #guest(uuid: string): Guest {
    const known = this.#guests.get(uuid);
    if (known) return known;
    const guest = new Guest(this.#context, join(this.#folder, uuid), uuid);
    this.#guests.set(uuid, guest);
    return guest;
  }
}
