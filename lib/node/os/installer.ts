// Runs the scripts of OS definitions for an instance: create, rename, export and import. Each run first ends what an earlier call for the
// same instance or disk left running. Values of OS parameters may be secret: they are passed in the environment, never logged, and
// removed from the output that an error message quotes.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { errorText, MerapiError } from '../../base/errors.ts';
import { run } from '../../base/exec.ts';
import type { Logger } from '../../base/log.ts';
import { type OsDefinition, osCreate, osImport, type ScriptParams } from '../../rpc/calls/os.ts';
import type { ParamsOf } from '../../rpc/registry.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import { CappedLog, readLogEnd } from '../capped-log.ts';
import { fileStem } from '../names.ts';
import type { Storage } from '../storage/registry.ts';
import { apiVersionOf, findDefinition } from './definitions.ts';
import { coreEnvironment, instanceEnvironment, parameterVariable } from './environment.ts';
import { ScriptGroups, type ScriptOptions } from './scripts.ts';

type CreateParams = ParamsOf<'os.create'>;
type RenameParams = ParamsOf<'os.rename'>;
/** One disk of an instance, by its index, and the path of its data on this host. */
export interface DumpedDisk {
  index: number;
  device: string;
}

/** A definition that is ready to run, and the environment of its scripts. */
interface Prepared {
  definition: OsDefinition;
  env: Record<string, string>;
}

/** Milliseconds that each script may take. */
const timeouts = {
  create: osCreate.timeout,
  rename: osCreate.timeout,
  export: osImport.timeout,
  import: osImport.timeout,
} as const;
/** Bytes of an export that are buffered for its reader. */
const BUFFERED = 1 << 20;
/** Bytes that are read from the end of a script's log for an error message. */
const LOG_TAIL = 64 * 1024;
/** How many of the last lines, and of their characters, an error message quotes. */
const QUOTED_LINES = 10;
const QUOTED_CHARACTERS = 4096;

/** Longer instance names are replaced by the uuid in the names of logs, so that these stay within the limit of the file system. */
const LONGEST_LOG_NAME = 200;

/** Installs, renames, exports and imports operating systems with the scripts of their definitions. */
export class OsInstaller {
  readonly #logFolder: string;
  readonly #storage: Storage;
  readonly #groups: ScriptGroups;

  /** `folder` is the worker's folder. */
  constructor(folder: string, storage: Storage) {
    this.#logFolder = join(folder, 'log');
    this.#storage = storage;
    this.#groups = new ScriptGroups(join(folder, 'scripts'));
  }

  /**
   * Runs the create script on emptied disks; a reinstallation leaves the contents of the disks to the script, which may use them.
   * @throws MerapiError wrong_input for an unknown OS, variant or parameter, block_device for a missing disk, execution when
   *   a script failed, timeout when it took too long; the reason of `signal` when that was aborted
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

  /**
   * Starts the export script of a disk and returns the stream of its output. The stream ends only when the script has succeeded; if
   * the script fails, it fails with the error that create() would throw. Destroying the stream kills the script.
   * @throws MerapiError as create(), before the script runs
   */
  async export(params: ScriptParams, { index, device }: DumpedDisk): Promise<Readable> {
    const key = diskKey(params.instance, index);
    const prepared = await this.#prepare(params, key);
    const dump = { EXPORT_DEVICE: device, EXPORT_DISK_PATH: device, EXPORT_INDEX: String(index) };
    const gone = new AbortController();
    const data = new PassThrough({ highWaterMark: BUFFERED });
    data.on('error', () => undefined); // the reader may not listen yet, and an unhandled error would end the process
    data.on('close', () => gone.abort(new MerapiError('unavailable', 'The reader of the export has gone')));
    const script = { ...prepared, env: { ...prepared.env, ...dump }, key, index };
    this.#runScript('export', script, params, gone.signal, {
      reads: (stdout) => void stdout.pipe(data, { end: false }),
    }).then(
      () => data.end(),
      (error) => data.destroy(error),
    );
    return data;
  }

  /**
   * Runs the import script of a disk with `data` as its input. Data that the script does not read is read and dropped; a failure of
   * the data kills the script. @throws MerapiError as create(), or the failure of the data
   */
  async import(
    params: ScriptParams,
    { index, device }: DumpedDisk,
    data: Readable,
    signal: AbortSignal,
  ): Promise<void> {
    const key = diskKey(params.instance, index);
    const prepared = await this.#prepare(params, key);
    const dump = { IMPORT_DEVICE: device, IMPORT_DISK_PATH: device, IMPORT_INDEX: String(index) };
    const broken = new AbortController();
    let read: Promise<void> = Promise.resolve();
    const script = { ...prepared, env: { ...prepared.env, ...dump }, key, index };
    await this.#runScript('import', script, params, AbortSignal.any([signal, broken.signal]), {
      writes: (stdin) => {
        read = writeAll(data, stdin);
        read.catch((error) => broken.abort(error));
      },
    });
    await read;
  }

  /** Finds the definition, ends scripts that an earlier call left running, checks the parameters, and builds the environment. */
  async #prepare(params: ScriptParams, key = params.instance.uuid): Promise<Prepared> {
    const { instance, osparams, debug } = params;
    const { definition, variant } = await findDefinition(params.search_path, instance.os);
    const apiVersion = apiVersionOf(definition);
    const core = coreEnvironment({ apiVersion, osName: definition.name, variant, osparams, debug });
    await this.#groups.end(key);
    const diskPaths = await this.#storage.paths(instance.disks);
    if (apiVersion >= 20) await verify(definition, osparams, core);
    return { definition, env: { ...core, ...instanceEnvironment(instance, diskPaths) } };
  }

  /** Kills the scripts that an earlier worker left running; one that cannot be killed is logged. */
  endScripts(log: Logger): Promise<void> {
    return this.#groups.endAll((error) =>
      log.warn({ reason: errorText(error) }, 'a script that an earlier worker started cannot be ended'),
    );
  }

  /** Kills the scripts of an instance that still run and removes their logs. */
  async forget(instance: InstanceTarget): Promise<void> {
    await this.#groups.end(instance.uuid);
    for (const index of instance.disks.keys()) await this.#groups.end(diskKey(instance, index));
    for (const index of [null, ...instance.disks.keys()])
      for (const suffix of ['', '.1']) await rm(this.#logFile(instance, index) + suffix, { force: true });
  }

  /** Runs one script, with its output in a log. `key` and `index` are set for scripts that work on one disk. */
  async #runScript(
    script: keyof typeof timeouts,
    { definition, env, key, index = null }: Prepared & { key?: string; index?: number | null },
    params: ScriptParams,
    signal: AbortSignal,
    pipes: Pick<ScriptOptions, 'reads' | 'writes'> = {},
  ): Promise<void> {
    const { instance, osparams } = params;
    const logFile = this.#logFile(instance, index);
    await mkdir(this.#logFolder, { recursive: true, mode: 0o700 });
    const log = await CappedLog.open(logFile);
    const what = `The ${script} script of OS '${definition.name}' for instance ${instance.name}`;
    const timeout = timeouts[script];
    const options = { cwd: definition.path, env, logFile: log.pipe, timeout, signal, ...pipes };
    const result = await this.#groups
      .run(key ?? instance.uuid, join(definition.path, script), options)
      .catch((cause) => {
        if (!(cause instanceof MerapiError) || cause.code !== 'timeout') throw cause;
        throw new MerapiError('timeout', `${what} did not end within ${timeout / 1000} s`, { cause });
      })
      .finally(() => log.close());
    if (result.code === 0) return;
    await log.ended();
    throw scriptFailure(what, result, await readLogEnd(logFile, LOG_TAIL), osparams);
  }

  /** The log of the scripts of an instance (`index` null), or of those that work on one of its disks. */
  #logFile(instance: InstanceTarget, index: number | null): string {
    const disk = index === null ? '' : `.disk${index}`;
    const stem = instance.name.length > LONGEST_LOG_NAME ? instance.uuid : instance.name;
    return join(this.#logFolder, `os-${fileStem(stem)}${disk}.log`);
  }
}

/** The key of the scripts that work on one disk of an instance, see ScriptGroups. */
function diskKey({ uuid }: InstanceTarget, index: number): string {
  return `${uuid}-disk${index}`;
}

/** Writes data to a program's input until that is closed; the rest is read and dropped. @throws the failure of the data */
async function writeAll(data: Readable, stdin: Writable): Promise<void> {
  const isOpen = () => !stdin.destroyed && !stdin.errored;
  for await (const chunk of data)
    if (isOpen() && !stdin.write(chunk) && isOpen())
      await new Promise<void>((resolve) => stdin.once('drain', resolve).once('close', resolve));
  stdin.end();
}

/**
 * Checks the OS parameters: the definition must declare them, and its verify script must accept their values.
 * @throws MerapiError wrong_input for undeclared parameters, execution when the script fails, timeout after a minute
 */
async function verify(
  definition: OsDefinition,
  osparams: Record<string, string>,
  env: Record<string, string>,
): Promise<void> {
  const known = definition.parameters.map(([name]) => name);
  const unknown = Object.keys(osparams).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const declared = known.join(', ') || 'none';
    const message = `OS '${definition.name}' has no parameters ${unknown.join(', ')}; it has: ${declared}`;
    throw new MerapiError('wrong_input', message);
  }
  const result = await run(join(definition.path, 'verify'), ['parameters'], { cwd: definition.path, env });
  if (result.code === 0) return;
  const output = result.stderr.trim() || result.stdout;
  throw scriptFailure(`The verify script of OS '${definition.name}'`, result, output, osparams);
}

/** The error of a script that failed, with the last lines of its output. */
function scriptFailure(
  what: string,
  result: { code: number | null; signal: string | null },
  output: string,
  osparams: Record<string, string>,
): MerapiError {
  const how = result.code === null ? `was ended by ${result.signal}` : `failed with exit code ${result.code}`;
  const text = redact(output, osparams).trimEnd();
  const lines = text.split('\n').slice(-QUOTED_LINES).join('\n').slice(-QUOTED_CHARACTERS);
  return new MerapiError('execution', lines ? `${what} ${how}: ${lines}` : `${what} ${how}`);
}

/** Replaces the values of OS parameters, any of which may be secret, by the names of their variables. */
function redact(text: string, osparams: Record<string, string>): string {
  let result = text;
  // A value may contain another one, so the longest are replaced first.
  const longestFirst = Object.entries(osparams).sort(([, a], [, b]) => b.length - a.length);
  for (const [name, value] of longestFirst) {
    if (value.trim() === '') continue;
    const literal = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    // A short value may be a part of any word, so it is replaced only as a whole word.
    const pattern = value.length < 4 ? `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])` : literal;
    result = result.replace(new RegExp(pattern, 'g'), () => `<${parameterVariable(name)}>`);
  }
  return result;
}
