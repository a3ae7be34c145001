// Guests of kvm whose record cannot be read, e.g. because it is damaged or a newer release wrote it, and QEMU processes without a record.
// They are reported to the master with their `trouble`, every operation on them is refused, and they are inspected again from time
// to time, until their record has been repaired. To treat them as absent would be dangerous: the master might start the instance
// a second time, on the same disks.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { unattended } from '../../../base/background.ts';
import { MerapiError } from '../../../base/errors.ts';
import { readFileOrNull } from '../../../base/files.ts';
import { parseJson } from '../../../base/json.ts';
import type { Logger } from '../../../base/log.ts';
import type { GuestFacts } from '../../../rpc/types.ts';
import { argumentsOf } from '../../processes.ts';
import { findByPidFile, type ProcessId } from './process.ts';
import { RECORD, readRecord } from './record.ts';

/** Milliseconds between two inspections. */
const INSPECT_PAUSE = 5000;

/** A guest whose record cannot be read. */
interface Unknown {
  /** The error of every operation on it. */
  error: MerapiError;
  facts: GuestFacts;
}

export interface UnknownGuestsOptions {
  /** The folder that contains the folder of each guest, which is named after its uuid. */
  folder: string;
  log: Logger;
  /** Called with a guest whose record can be read; `found` is its process according to the process table. */
  adopt(uuid: string, found: ProcessId | null): Promise<void>;
  /** Called whenever facts() may have changed. */
  changed(): void;
}

/** The guests of a driver whose record cannot be read. */
export class UnknownGuests {
  readonly #options: UnknownGuestsOptions;
  readonly #unknown = new Map<string, Unknown>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: UnknownGuestsOptions) {
    this.#options = options;
  }

  /** The facts of these guests. One with a process counts as running. */
  facts(): GuestFacts[] {
    return [...this.#unknown.values()].map(({ facts }) => facts);
  }

  /** Adopts a guest, or keeps it here if its record cannot be read. `found` is its process according to the process table. */
  async inspect(uuid: string, found: ProcessId | null): Promise<void> {
    const { folder, log, adopt, changed } = this.#options;
    const own = join(folder, uuid);
    try {
      if ((await readRecord(own)) === null && found) throw withoutRecord(own);
    } catch (error) {
      if (!(error instanceof MerapiError)) throw error;
      const unknown = await describe(own, found, error);
      if (this.#unknown.get(uuid)?.facts.trouble !== unknown.facts.trouble)
        log.error({ guest: uuid, err: unknown.error }, 'the record of a guest cannot be used');
      this.#unknown.set(uuid, unknown);
      this.#inspectLater();
      return changed();
    }
    this.#unknown.delete(uuid);
    await adopt(uuid, found);
    changed();
  }

  /**
   * To be called before every operation on a guest. Inspects a guest again whose record could not be read.
   * @throws MerapiError configuration, with the remedy, when it still cannot be read
   */
  async check(uuid: string): Promise<void> {
    if (!this.#unknown.has(uuid)) return;
    await this.#inspectAgain(uuid);
    const unknown = this.#unknown.get(uuid);
    if (unknown) throw unknown.error;
  }

  /** Stops the periodic inspection. */
  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #inspectAgain(uuid: string): Promise<void> {
    await this.inspect(uuid, (await findByPidFile(this.#options.folder)).get(uuid) ?? null);
  }

  #inspectLater(): void {
    if (this.#closed || this.#timer) return;
    const inspect = () => unattended('inspecting guests', this.#options.log, () => this.#inspectAll());
    this.#timer = setTimeout(inspect, INSPECT_PAUSE).unref();
  }

  async #inspectAll(): Promise<void> {
    for (const uuid of [...this.#unknown.keys()])
      await this.#inspectAgain(uuid).catch((error: unknown) =>
        this.#options.log.warn({ err: error, guest: uuid }, 'cannot inspect a guest'),
      );
    this.#timer = null;
    if (this.#unknown.size > 0) this.#inspectLater();
  }
}

/** The part of a record that may be readable even if the rest is not. */
const NamedRecord = z.object({ instance: z.object({ name: z.string() }) });

/** The error and facts of a guest. Its name is taken from the record or the command line, if possible; otherwise it is the uuid. */
async function describe(folder: string, found: ProcessId | null, error: MerapiError): Promise<Unknown> {
  const uuid = basename(folder);
  const name = (await nameIn(folder)) ?? (found && (await nameOf(found))) ?? uuid;
  const trouble = found ? `${error.message}. Its process has the id ${found.pid}` : error.message;
  return {
    error: new MerapiError(error.code, `Instance ${name}: ${trouble}`, { cause: error }),
    facts: {
      ...{ name, uuid, hypervisor: 'kvm', memory: 0, vcpus: 0, by_user: false, trouble },
      state: found ? 'running' : 'stopped',
      console: { instance: name, kind: 'msg', message: trouble },
    },
  };
}

function withoutRecord(folder: string): MerapiError {
  return new MerapiError(
    'configuration',
    `${join(folder, RECORD)} (the record of a guest) is missing, but a QEMU process of this guest runs; it is not touched: put the file back, or end the process to drop the guest`,
  );
}

/** The guest's name in its record; null when not even that can be read. */
async function nameIn(folder: string): Promise<string | null> {
  try {
    const text = await readFileOrNull(join(folder, RECORD));
    return text === null ? null : NamedRecord.parse(parseJson(text)).instance.name;
  } catch {
    return null;
  }
}

/** The guest's name on the command line of its process, where commas are doubled. */
async function nameOf({ pid }: ProcessId): Promise<string | null> {
  const args = await argumentsOf(pid);
  return args[args.indexOf('-name') + 1]?.replaceAll(',,', ',') ?? null;
}

/** The files in a guest's folder besides its record. */
const OWN = /^(pid|(qemu|serial)\.log.*|.*\.sock|.*\.tmp)$/;

/** Whether a guest's folder contains only such files, so that it can be removed when the record is gone. */
export async function isLeftover(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.every((name) => OWN.test(name));
}
