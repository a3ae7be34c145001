import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { errorText, MerapiError } from '../../base/errors.ts';
import { exists, syncFolder, writeFileDurably } from '../../base/files.ts';
import { type Ini, parseIni } from '../../base/ini.ts';
import { readStateText } from '../../base/state-file.ts';
import { fileStem } from '../names.ts';

const CONFIG = 'config.ini';
const format = { what: 'the description of an export', remedy: 'export the instance again' };

/**
 * The exports that a node keeps: FOLDER/INSTANCE/config.ini and a file for each disk, as in Ganeti. One that is being made is
 * in a hidden folder beside it. Every method that changes something is idempotent.
 */
export class ExportFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The names of the instances that have an export here; null when the folder was never made. */
  async list(): Promise<string[] | null> {
    try {
      return (await readdir(this.#folder)).filter((name) => !name.startsWith('.')).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /**
   * What an export, named by its folder or its name here, says of its instance, null when there is none; and the bytes of its files.
   * @throws MerapiError wrong_input for a path elsewhere, environment_error when its config.ini cannot be understood
   */
  async read(path: string): Promise<{ path: string; config: Ini | null; sizes: Record<string, number> }> {
    const folder = this.#resolve(path);
    const text = await readStateText(join(folder, CONFIG), format);
    try {
      if (text === null) return { path: folder, config: null, sizes: {} };
      return { path: folder, config: parseIni(text), sizes: await sizesIn(folder) };
    } catch (cause) {
      throw new MerapiError('environment_error', `${join(folder, CONFIG)}: ${errorText(cause)}`, { cause });
    }
  }

  /** The path of a disk's file of an export. @throws MerapiError wrong_input */
  file(path: string, name: string): string {
    return join(this.#resolve(path), fileStem(name));
  }

  /** The path of a disk's file of an export that is being made. @throws MerapiError wrong_input */
  newFile(instance: string, name: string): string {
    return join(this.#unfinished(instance), fileStem(name));
  }

  /** Makes an empty place for an export. */
  async prepare(instance: string): Promise<void> {
    await this.discard(instance);
    await mkdir(this.#unfinished(instance), { recursive: true, mode: 0o700 });
  }

  /** Removes an export that was not finished. */
  async discard(instance: string): Promise<void> {
    await rm(this.#unfinished(instance), { recursive: true, force: true });
  }

  /**
   * Puts a new export in the place of an older one. A crash in between leaves the old one under a hidden name, and then the
   * repeated call goes on. @throws MerapiError execution when there is nothing to be finished
   */
  async finish(instance: string, config: string): Promise<void> {
    const [unfinished, old, final] = [this.#unfinished(instance), this.#old(instance), this.#final(instance)];
    if (!(await exists(unfinished))) {
      if ((await readStateText(join(final, CONFIG), format)) !== config)
        throw new MerapiError('execution', `There is no export of ${instance} to be finished`);
    } else {
      await writeFileDurably(join(unfinished, CONFIG), config, 0o600);
      await rm(old, { recursive: true, force: true });
      if (await exists(final)) await rename(final, old);
      await rename(unfinished, final);
      await syncFolder(this.#folder);
    }
    await rm(old, { recursive: true, force: true });
  }

  /** Removes the export of an instance. */
  async remove(instance: string): Promise<void> {
    for (const path of [this.#final(instance), this.#old(instance)])
      await rm(path, { recursive: true, force: true });
  }

  /** The folder of an export. @throws MerapiError wrong_input when it is not one of this folder */
  #resolve(path: string): string {
    const full = isAbsolute(path) ? normalize(path) : join(this.#folder, path);
    const name = full.startsWith(`${this.#folder}/`) ? full.slice(this.#folder.length + 1) : '';
    if (/^[^./][^/]*$/.test(name.replace(/\/$/, ''))) return join(this.#folder, name.replace(/\/$/, ''));
    throw new MerapiError(
      'wrong_input',
      `'${path}' is no folder of an export; the exports of this node are in ${this.#folder}`,
    );
  }

  #final(instance: string): string {
    return join(this.#folder, fileStem(instance));
  }

  #unfinished(instance: string): string {
    return join(this.#folder, `.${fileStem(instance)}.new`);
  }

  #old(instance: string): string {
    return join(this.#folder, `.${fileStem(instance)}.old`);
  }
}

/** The bytes of the files in a folder, by name. */
async function sizesIn(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const name of await readdir(folder)) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found?.isFile()) sizes[name] = found.size;
  }
  return sizes;
}
