import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import { run } from '../../base/exec.ts';
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
/** One disk of an instance, by number, and where its data is. */
export interface DumpedDisk {
  index: number;
  device: string;
}

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
/** How many bytes of a disk's data wait for their reader. */
const BUFFERED = 1 << 20;
/** How many bytes are read of the end of a script's log. */
const READ_END = 64 * 1024;
/** How many of a script's last lines an error tells. */
const TOLD_LINES = 10;

/** Logs of instances with longer names are called by their uuids: what is put behind the name of a log must fit as well. */
const LONGEST_LOG_NAME = 200;

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

  /**
   * What the export script writes of a disk. Its failure is that of the stream, which ends only when the script has ended
   * well; a stream that is destroyed ends the script. @throws MerapiError as create()
   */
  async export(params: ScriptParams, { index, device }: DumpedDisk): Promise<Readable> {
    const job = `${params.instance.uuid}-disk${index}`;
    const prepared = await this.#prepare(params, job);
    const dump = { EXPORT_DEVICE: device, EXPORT_DISK_PATH: device, EXPORT_INDEX: String(index) };
    const gone = new AbortController();
    const data = new PassThrough({ highWaterMark: BUFFERED });
    data.on('error', () => undefined); // for when nobody reads yet
    data.on('close', () => gone.abort(new MerapiError('unavailable', 'Nobody reads the export any more')));
    const script = { ...prepared, env: { ...prepared.env, ...dump }, job, index };
    this.#runScript('export', script, params, gone.signal, {
      reads: (stdout) => void stdout.pipe(data, { end: false }),
    }).then(
      () => data.end(),
      (error) => data.destroy(error),
    );
    return data;
  }

  /**
   * Gives data to the import script of a disk; what the script does not read is read to its end all the same. Data that
   * breaks off ends the script. @throws MerapiError as create(), or the failure of the data
   */
  async import(
    params: ScriptParams,
    { index, device }: DumpedDisk,
    data: Readable,
    signal: AbortSignal,
  ): Promise<void> {
    const job = `${params.instance.uuid}-disk${index}`;
    const prepared = await this.#prepare(params, job);
    const dump = { IMPORT_DEVICE: device, IMPORT_DISK_PATH: device, IMPORT_INDEX: String(index) };
    const broken = new AbortController();
    let read: Promise<void> = Promise.resolve();
    const script = { ...prepared, env: { ...prepared.env, ...dump }, job, index };
    await this.#runScript('import', script, params, AbortSignal.any([signal, broken.signal]), {
      writes: (stdin) => {
        read = feed(data, stdin);
        read.catch((error) => broken.abort(error));
      },
    });
    await read;
  }

  /** Finds the definition and ends what an earlier call left; the disks must be there. */
  async #prepare(params: ScriptParams, job = params.instance.uuid): Promise<Prepared> {
    const { instance, osparams, debug } = params;
    const { definition, variant } = await findDefinition(params.search_path, instance.os);
    const apiVersion = apiVersionOf(definition);
    const core = coreEnvironment({ apiVersion, osName: definition.name, variant, osparams, debug });
    await this.#groups.end(job);
    const diskPaths = await this.#storage.paths(instance.disks);
    if (apiVersion >= 20) await verify(definition, osparams, core);
    return { definition, env: { ...core, ...instanceEnvironment(instance, diskPaths) } };
  }

  /** Ends what still runs for an instance and removes the logs of its scripts. */
  async forget(instance: InstanceTarget): Promise<void> {
    await this.#groups.end(instance.uuid);
    for (const index of instance.disks.keys()) await this.#groups.end(`${instance.uuid}-disk${index}`);
    for (const index of [null, ...instance.disks.keys()])
      for (const end of ['', '.1']) await rm(this.#logFile(instance, index) + end, { force: true });
  }

  async #runScript(
    script: keyof typeof timeouts,
    { definition, env, job, index = null }: Prepared & { job?: string; index?: number | null },
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
      .run(job ?? instance.uuid, join(definition.path, script), options)
      .catch((cause) => {
        if (!(cause instanceof MerapiError) || cause.code !== 'timeout') throw cause;
        throw new MerapiError('timeout', `${what} did not end within ${timeout / 1000} s`, { cause });
      })
      .finally(() => log.close());
    if (result.code !== 0) await log.ended();
    if (result.code !== 0) throw scriptFailure(what, result, await readLogEnd(logFile, READ_END), osparams);
  }

  /** The log of the scripts of an instance, or of those that work on one of its disks alone. */
  #logFile(instance: InstanceTarget, index: number | null): string {
    const disk = index === null ? '' : `.disk${index}`;
    const stem = instance.name.length > LONGEST_LOG_NAME ? instance.uuid : instance.name;
    return join(this.#logFolder, `os-${fileStem(stem)}${disk}.log`);
  }
}

/** Gives data to a program for as long as it reads, and reads the rest in vain. @throws the failure of the data */
async function feed(data: Readable, stdin: Writable): Promise<void> {
  const isOpen = () => !stdin.destroyed && !stdin.errored;
  for await (const chunk of data)
    if (isOpen() && !stdin.write(chunk) && isOpen())
      await new Promise<void>((resolve) => stdin.once('drain', resolve).once('close', resolve));
  stdin.end();
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
