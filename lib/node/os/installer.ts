import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { run } from '../../base/exec.ts';
import { type OsDefinition, osCreate } from '../../rpc/calls/os.ts';
import type { ParamsOf } from '../../rpc/registry.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import { fileStem } from '../names.ts';
import type { Storage } from '../storage/registry.ts';
import { apiVersionOf, findDefinition } from './definitions.ts';
import { coreEnvironment, instanceEnvironment, parameterVariable } from './environment.ts';
import { ScriptGroups } from './scripts.ts';

type CreateParams = ParamsOf<'os.create'>;
type RenameParams = ParamsOf<'os.rename'>;
/** What all scripts need. */
type ScriptParams = Pick<CreateParams, 'instance' | 'search_path' | 'osparams' | 'debug'>;

interface Prepared {
  definition: OsDefinition;
  env: Record<string, string>;
}

/** How many of a script's last lines an error tells. */
const TOLD_LINES = 10;

/** Puts operating systems onto disks by the scripts of their definitions. */
export class OsInstaller {
  readonly #logFolder: string;
  readonly #storage: Storage;
  readonly #groups: ScriptGroups;

  /** `folder` is the worker's. */
  constructor(folder: string, storage: Storage) {
    this.#logFolder = join(folder, 'log');
    this.#storage = storage;
    this.#groups = new ScriptGroups(join(folder, 'scripts'));
  }

  /**
   * Runs the create script. What an earlier call left is ended first and its disks are emptied; a reinstallation keeps what
   * is on the disks, because the definition may want it.
   * @throws MerapiError wrong_input for an unknown OS, variant or parameter, block_device for a missing disk, execution when
   * a script failed, timeout.
   */
  async create(params: CreateParams, signal: AbortSignal): Promise<void> {
    const { instance, reinstall } = params;
    const prepared = await this.#prepare(params);
    if (!reinstall) for (const disk of instance.disks) await this.#storage.of(disk).empty(disk);
    const env = { ...prepared.env, ...(reinstall ? { INSTANCE_REINSTALL: '1' } : {}) };
    await this.#runScript('create', { ...prepared, env }, params, signal);
  }

  /** Runs the rename script. @throws MerapiError as create() */
  async rename(params: RenameParams, signal: AbortSignal): Promise<void> {
    const prepared = await this.#prepare(params);
    const env = { ...prepared.env, OLD_INSTANCE_NAME: params.old_name };
    await this.#runScript('rename', { ...prepared, env }, params, signal);
  }

  /** Finds the definition and ends what an earlier call left; the disks must be there. */
  async #prepare(params: ScriptParams): Promise<Prepared> {
    const { instance, osparams, debug } = params;
    const { definition, variant } = await findDefinition(params.search_path, instance.os);
    const apiVersion = apiVersionOf(definition);
    const core = coreEnvironment({ apiVersion, osName: definition.name, variant, osparams, debug });
    await this.#groups.end(instance.uuid);
    const diskPaths = await this.#storage.paths(instance.disks);
    if (apiVersion >= 20) await verify(definition, osparams, core);
    return { definition, env: { ...core, ...instanceEnvironment(instance, diskPaths) } };
  }

  /** Ends what still runs for an instance and removes the log of its installation. */
  async forget(instance: InstanceTarget): Promise<void> {
    await this.#groups.end(instance.uuid);
    await rm(this.#logFile(instance), { force: true });
  }

  async #runScript(
    script: 'create' | 'rename',
    { definition, env }: Prepared,
    params: ScriptParams,
    signal: AbortSignal,
  ): Promise<void> {
    const { instance, osparams } = params;
    const logFile = this.#logFile(instance);
    await mkdir(this.#logFolder, { recursive: true });
    await rm(logFile, { force: true });
    await writeFile(logFile, '', { mode: 0o600 });
    const what = `The ${script} script of OS '${definition.name}' for instance ${instance.name}`;
    const { timeout } = osCreate;
    const options = { cwd: definition.path, env, logFile, timeout, signal };
    const result = await this.#groups
      .run(instance.uuid, join(definition.path, script), options)
      .catch((cause) => {
        if (!(cause instanceof MerapiError) || cause.code !== 'timeout') throw cause;
        throw new MerapiError('timeout', `${what} did not end within ${timeout / 1000} s`, { cause });
      });
    if (result.code !== 0) throw scriptFailure(what, result, await readTail(logFile), osparams);
  }

  #logFile(instance: InstanceTarget): string {
    return join(this.#logFolder, `os-${fileStem(instance.name)}.log`);
  }
}

async function verify(
  definition: OsDefinition,
  osparams: Record<string, string>,
  env: Record<string, string>,
): Promise<void> {
  const known = definition.parameters.map(([name]) => name);
  const unknown = Object.keys(osparams).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const [wrong, right] = [unknown.join(', '), known.join(', ') || 'none'];
    const message = `OS '${definition.name}' has no parameters ${wrong}; it has: ${right}`;
    throw new MerapiError('wrong_input', message);
  }
  const result = await run(join(definition.path, 'verify'), ['parameters'], { cwd: definition.path, env });
  if (result.code === 0) return;
  const output = result.stderr.trim() || result.stdout;
  throw scriptFailure(`The verify script of OS '${definition.name}'`, result, output, osparams);
}

function scriptFailure(
  what: string,
  result: { code: number | null; signal: string | null },
  output: string,
  osparams: Record<string, string>,
): MerapiError {
  const how = result.code === null ? `was ended by ${result.signal}` : `failed with exit code ${result.code}`;
  const text = withoutValues(output, osparams).trimEnd();
  const lines = text.split('\n').slice(-TOLD_LINES).join('\n').slice(-4096);
  return new MerapiError('execution', `${what} ${how}${lines ? `: ${lines}` : ''}`);
}

/** The last 64 KiB of a file. */
async function readTail(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 64 * 1024);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}

/** The text with the values of OS parameters, any of which may be secret, replaced by the names of their variables. */
function withoutValues(text: string, osparams: Record<string, string>): string {
  let result = text;
  const longestFirst = Object.entries(osparams).sort(([, a], [, b]) => b.length - a.length);
  for (const [name, value] of longestFirst) {
    if (value.trim() === '') continue;
    const literal = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    // A short value may be a part of any word, so it counts only where it stands alone.
    const pattern = value.length < 4 ? `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])` : literal;
    result = result.replace(new RegExp(pattern, 'g'), () => `<${parameterVariable(name)}>`);
  }
  return result;
}
