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

/** Milliseconds until it is looked again whether what was not understood has been mended. */
const LOOK_AGAIN = 5000;

/** A guest that this Merapi does not understand. */
interface Unknown {
  /** What every operation on it is answered with. */
  error: MerapiError;
  facts: GuestFacts;
}

export interface UnknownGuestsOptions {
  /** The folder with a folder for each guest, named by its uuid. */
  folder: string;
  log: Logger;
  /** Takes a guest up whose record is understood now; `found` is its process as the process table shows it. */
  takeUp(uuid: string, found: ProcessId | null): Promise<void>;
  /** To be called whenever the facts may have changed. */
  changed(): void;
}

/**
 * The guests with a record that is unreadable, foreign or of a newer Merapi, and those that run without one: they are reported
 * as what they are, nothing is done with them, and they are followed once their record has been repaired.
 */
export class UnknownGuests {
  readonly #options: UnknownGuestsOptions;
  readonly #unknown = new Map<string, Unknown>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: UnknownGuestsOptions) {
    this.#options = options;
  }

  facts(): GuestFacts[] {
    return [...this.#unknown.values()].map(({ facts }) => facts);
  }

  /** Takes a guest up, or keeps it here where its record is not understood. */
  async look(uuid: string, found: ProcessId | null): Promise<void> {
    const { folder, log, takeUp, changed } = this.#options;
    const own = join(folder, uuid);
    try {
      if ((await readRecord(own)) === null && found) throw withoutRecord(own);
    } catch (error) {
      if (!(error instanceof MerapiError)) throw error;
      const unknown = await describe(own, found, error);
      if (this.#unknown.get(uuid)?.facts.trouble !== unknown.facts.trouble)
        log.error({ guest: uuid, err: unknown.error }, 'a guest is left alone');
      this.#unknown.set(uuid, unknown);
      this.#lookLater();
      return changed();
    }
    this.#unknown.delete(uuid);
    await takeUp(uuid, found);
    changed();
  }

  /** @throws MerapiError configuration, with the remedy, when nothing may be done with the guest */
  async check(uuid: string): Promise<void> {
    if (!this.#unknown.has(uuid)) return;
    await this.#lookAgain(uuid);
    const unknown = this.#unknown.get(uuid);
    if (unknown) throw unknown.error;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #lookAgain(uuid: string): Promise<void> {
    await this.look(uuid, (await findByPidFile(this.#options.folder)).get(uuid) ?? null);
  }

  #lookLater(): void {
    if (this.#closed || this.#timer) return;
    const look = () => unattended('looking after guests', this.#options.log, () => this.#lookAtAll());
    this.#timer = setTimeout(look, LOOK_AGAIN).unref();
  }

  async #lookAtAll(): Promise<void> {
    for (const uuid of [...this.#unknown.keys()])
      await this.#lookAgain(uuid).catch((error: unknown) =>
        this.#options.log.warn({ err: error, guest: uuid }, 'cannot look after a guest'),
      );
    this.#timer = null;
    if (this.#unknown.size > 0) this.#lookLater();
  }
}

/** What can be read of a record even where the rest of it is not understood. */
const Recognisable = z.object({ instance: z.object({ name: z.string() }) });

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
    `${join(folder, RECORD)} (the record of a guest) is missing, and a QEMU process of this guest runs; it is left alone: put the file back, or end the process to give the guest up`,
  );
}

async function nameIn(folder: string): Promise<string | null> {
  try {
    const text = await readFileOrNull(join(folder, RECORD));
    return text === null ? null : Recognisable.parse(parseJson(text)).instance.name;
  } catch {
    return null;
  }
}

async function nameOf({ pid }: ProcessId): Promise<string | null> {
  const words = await argumentsOf(pid);
  return words[words.indexOf('-name') + 1]?.replaceAll(',,', ',') ?? null;
}

/** The files that a guest leaves in its folder besides its record. */
const OWN = /^(pid|(qemu|serial)\.log.*|.*\.sock|.*\.tmp)$/;

/** Whether there is nothing in a guest's folder but what guests leave there. */
export async function isLeftover(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.every((name) => OWN.test(name));
}
