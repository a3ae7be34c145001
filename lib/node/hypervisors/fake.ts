// The driver of simulated guests. A guest is a file FOLDER/guests/NAME.json and nothing else, so it outlives the worker as a real guest
// does. The files are authoritative: tests rewrite them to play what happens inside a guest, and other processes may remove them.
import { type FSWatcher, mkdirSync, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { errorText, MerapiError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import type { Logger } from '../../base/log.ts';
import { parseState, type StateFormat, writeStateFile } from '../../base/state-file.ts';
import type { GuestFacts, InstanceTarget } from '../../rpc/types.ts';
import { fileStem } from '../names.ts';
import type {
  DeviceToPlug,
  DeviceToUnplug,
  Hotplug,
  Hypervisor,
  HypervisorDriver,
  Migration,
  StartOptions,
} from './define.ts';

/** The contents of a guest's file. */
const Guest = z.object({
  name: z.string(),
  uuid: z.string(),
  state: z.enum(['running', 'paused', 'stopped']),
  memory: z.number().int(),
  vcpus: z.number().int(),
  by_user: z.boolean().default(false),
  /** The uuids of its disks and NICs. */
  devices: z.array(z.string()).default([]),
});
type Guest = z.infer<typeof Guest>;

const format: StateFormat<Guest> = {
  what: 'a simulated guest',
  remedy:
    'the guest is not touched: run the Merapi release that wrote the file, repair the file, or remove it to drop the guest',
  version: 1,
  schema: Guest,
};

const newGuest = ({ name, uuid, beparams, disks, nics }: InstanceTarget) => ({
  name,
  uuid,
  memory: Math.max(beparams.minmem, beparams.maxmem),
  vcpus: beparams.vcpus,
  by_user: false,
  devices: [...disks, ...nics].map((device) => device.uuid),
});

/** Simulated guests start with any parameters, and see by themselves that a disk has grown. */
export const fakeDriver: HypervisorDriver = {
  simulated: true,
  create: ({ folder, log }) => new FakeHypervisor(folder, log),
};

/** Every method reads the files it needs; a file whose inode, time and size have not changed is taken from memory. */
export class FakeHypervisor implements Hypervisor {
  readonly kind = 'fake';
  /** Nothing is transferred: receive() creates the guest's file on the target node, and send() marks the one here as stopped. */
  readonly migration: Migration = {
    receive: async (instance) => {
      const known = this.#find(instance);
      if (known?.state === 'running')
        throw new MerapiError('wrong_state', `Instance ${instance.name} runs here already`);
      if (known?.state !== 'paused') await this.#make(instance, known, 'paused');
      return '';
    },
    send: async (instance) => {
      const known = this.#find(instance);
      if (!known) throw new MerapiError('wrong_state', `Instance ${instance.name} does not run here`);
      if (known.state !== 'stopped') await this.#write({ ...known, state: 'stopped' });
    },
    resume: async (instance) => {
      const known = this.#find(instance);
      if (!known) throw new MerapiError('wrong_state', `Instance ${instance.name} is not here`);
      if (known.state !== 'running') await this.#write({ ...known, state: 'running' });
    },
  };
  readonly hotplug: Hotplug = {
    plug: (instance, device) =>
      this.#setDevices(instance, device, (devices, uuid) =>
        devices.includes(uuid) ? devices : [...devices, uuid],
      ),
    unplug: (instance, device) =>
      this.#setDevices(instance, device, (devices, uuid) => devices.filter((each) => each !== uuid)),
  };
  readonly #folder: string;
  readonly #log: Logger;
  /** The last readable contents of each file. */
  readonly #known = new Map<string, { version: string; guest: Guest }>();
  readonly #listeners: (() => void)[] = [];
  #watcher: FSWatcher | null = null;

  /** `folder` is the worker's folder. */
  constructor(folder: string, log: Logger) {
    this.#folder = join(folder, 'guests');
    this.#log = log;
  }

  async open(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#watcher = watch(this.#folder, () => this.#changed());
    this.#watcher.on('error', (error) => this.#log.warn({ err: error }, 'cannot watch the simulated guests'));
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    this.#watcher = null;
  }

  guests(): readonly GuestFacts[] {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.json'));
    return files.map((file) => this.#factsOf(file)).filter((facts) => facts !== null);
  }

  async start(instance: InstanceTarget, options: StartOptions): Promise<void> {
    const known = this.#find(instance);
    if (known && known.state !== 'stopped') return;
    await this.#make(instance, known, options.paused ? 'paused' : 'running');
  }

  /** A simulated guest shuts down at once when it is asked to, and its file is removed. */
  async stop(instance: InstanceTarget): Promise<void> {
    const known = this.#find(instance);
    if (known) await this.#remove(known);
  }

  async reset(instance: InstanceTarget): Promise<void> {
    const known = this.#find(instance);
    if (!known || known.state === 'stopped')
      throw new MerapiError('wrong_state', `Instance ${instance.name} does not run, so it cannot be reset`);
    await this.#write({ ...known, state: 'running' });
  }

  async setMemory(instance: InstanceTarget, memory: number): Promise<void> {
    const known = this.#find(instance);
    if (!known || known.state === 'stopped')
      throw new MerapiError(
        'wrong_state',
        `Instance ${instance.name} does not run, so its memory cannot be changed`,
      );
    await this.#write({ ...known, memory });
  }

  async forget(instance: InstanceTarget): Promise<void> {
    const known = this.#find(instance);
    if (!known) return;
    if (known.state !== 'stopped')
      throw new MerapiError('wrong_state', `Instance ${instance.name} runs; stop it before it is forgotten`);
    await this.#remove(known);
  }

  /** Guests whose file cannot be read stay. */
  async powerCut(): Promise<void> {
    for (const { name, trouble } of this.guests())
      if (trouble === undefined) await rm(join(this.#folder, fileOf(name)), { force: true });
    await syncFolder(this.#folder);
    this.#changed();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The facts of the guest in a file; of an unreadable file the last readable ones, with the problem as `trouble`. */
  #factsOf(file: string): GuestFacts | null {
    try {
      const guest = this.#read(file);
      if (!guest) return null;
      return factsOf(guest);
    } catch (error) {
      // It is unknown whether the guest runs. Reporting it as stopped could make the master start it on another node as well.
      const unknown = { name: file.slice(0, -'.json'.length), state: 'running' as const };
      const assumed = { ...unknown, uuid: '', memory: 0, vcpus: 0, by_user: false, devices: [] };
      return { ...factsOf(this.#known.get(file)?.guest ?? assumed), trouble: errorText(error) };
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Changes the devices of a guest that runs; nothing to do for others. */
  async #setDevices(
    instance: InstanceTarget,
    { disk, nic }: DeviceToUnplug | DeviceToPlug,
    change: (devices: string[], uuid: string) => string[],
  ): Promise<void> {
    const known = this.#find(instance);
    const { uuid = '' } = disk ?? instance.nics[nic] ?? {};
    if (known && known.state !== 'stopped')
      await this.#write({ ...known, devices: change(known.devices, uuid) });
  }

  /**
   * The guest with the uuid of an instance, or null. Files are named after guests, and an instance may have been renamed: the guest may
   * be in a file of another name, and the file with its name may belong to another guest.
   * @throws MerapiError as #read(), for the file with the instance's name
   */
  #find({ uuid, name }: InstanceTarget): Guest | null {
    const own = this.#read(fileOf(name));
    if (own?.uuid === uuid) return own;
    const found = this.guests().find((guest) => guest.uuid === uuid && guest.trouble === undefined);
    return found ? this.#read(fileOf(found.name)) : null;
  }

  /** Writes the file of a new guest, in place of `known`. @throws MerapiError wrong_state when another guest of this name runs */
  async #make(instance: InstanceTarget, known: Guest | null, state: 'paused' | 'running'): Promise<void> {
    const { name, uuid } = instance;
    const other = this.#read(fileOf(name));
    if (other && other.uuid !== uuid && other.state !== 'stopped')
      throw new MerapiError(
        'wrong_state',
        `Another guest named ${name} (${other.uuid}) runs here; end it before ${uuid} is started`,
      );
    if (known && known.name !== name) await this.#remove(known);
    await this.#write({ ...newGuest(instance), state });
  }

  /** The guest in a file, null when there is no file. @throws MerapiError configuration when it cannot be read; then it is not touched */
  #read(file: string): Guest | null {
    const path = join(this.#folder, file);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) {
      this.#known.delete(file);
      return null;
    }
    const version = `${found.ino}:${found.mtimeMs}:${found.size}`;
    const known = this.#known.get(file);
    if (known?.version === version) return known.guest;
    try {
      const guest = parseState(path, readFileSync(path, 'utf8'), format);
      this.#known.set(file, { version, guest });
      return guest;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return null;
      this.#log.warn({ err: error, path }, 'cannot read a simulated guest');
      if (code !== 'configuration')
        throw new MerapiError('configuration', `${path} cannot be read (${code}); ${format.remedy}`);
      throw error;
    }
  }

  async #write(guest: Guest): Promise<void> {
    await writeStateFile(join(this.#folder, fileOf(guest.name)), format, guest);
    this.#changed();
  }

  async #remove(guest: Guest): Promise<void> {
    await rm(join(this.#folder, fileOf(guest.name)), { force: true });
    await syncFolder(this.#folder);
    this.#changed();
  }
}

/** The name of the file of a guest. */
const fileOf = (name: string) => `${fileStem(name)}.json`;

function factsOf({ devices: _devices, ...guest }: Guest): GuestFacts {
  const console = { instance: guest.name, kind: 'msg', message: 'A simulated guest has no console' } as const;
  return { ...guest, hypervisor: 'fake', console };
}
