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
 * The exports on a node, in Ganeti's layout: FOLDER/INSTANCE/config.ini and a file for each disk. An unfinished export is in a hidden
 * folder beside it, `.INSTANCE.new`, so that list() and readers only ever see whole ones. Every method that changes something
 * is idempotent.
 */
export class ExportFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The names of the instances that have an export here; null when the folder does not exist. */
  async list(): Promise<string[] | null> {
    try {
      return (await readdir(this.#folder)).filter((name) => !name.startsWith('.')).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /**
   * Reads an export. `path` is the path of its folder or its name. Returns the contents of its config.ini, null when there is no
   * export, and the size in bytes of each file in its folder.
   * @throws MerapiError wrong_input for a path outside the exports, configuration when config.ini cannot be read, environment_error
   *   when it is malformed
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

  /** The path of a file of a finished export. @throws MerapiError wrong_input for a path outside the exports or a malformed name */
  file(path: string, name: string): string {
    return join(this.#resolve(path), fileStem(name));
  }

  /** The path of a file of an unfinished export. @throws MerapiError wrong_input for a malformed name */
  newFile(instance: string, name: string): string {
    return join(this.#unfinished(instance), fileStem(name));
  }

  /** Creates the empty folder of a new export; an unfinished one is removed. */
  async prepare(instance: string): Promise<void> {
    await this.discard(instance);
    await mkdir(this.#unfinished(instance), { recursive: true, mode: 0o700 });
  }

  /** Removes an unfinished export. */
  async discard(instance: string): Promise<void> {
    await rm(this.#unfinished(instance), { recursive: true, force: true });
  }

  /**
   * Writes config.ini and replaces an older export of the instance. A crash in between may leave only the old one under its hidden name
   * `.INSTANCE.old`, and the complete new one as unfinished; the repeated call then finishes it.
   * @throws MerapiError execution when there is no unfinished export, and the finished one has another config.ini
   */
  async finish(instance: string, config: string): Promise<void> {
    const unfinished = this.#unfinished(instance);
    const old = this.#old(instance);
    const final = this.#final(instance);
    if (!(await exists(unfinished))) {
      // A repeated call: the first one got as far as its last step.
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

  /** The folder of an export. @throws MerapiError wrong_input when the path is not a direct, visible subfolder of this one */
  #resolve(path: string): string {
    const full = isAbsolute(path) ? normalize(path) : join(this.#folder, path);
    const prefix = `${this.#folder}/`;
    const name = full.startsWith(prefix) ? full.slice(prefix.length).replace(/\/$/, '') : '';
    if (/^[^./][^/]*$/.test(name)) return join(this.#folder, name);
    throw new MerapiError(
      'wrong_input',
      `'${path}' is not the folder of an export; the exports of this node are in ${this.#folder}`,
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

/** The size in bytes of each file in a folder, by name. */
async function sizesIn(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const name of await readdir(folder)) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found?.isFile()) sizes[name] = found.size;
  }
  return sizes;
}
