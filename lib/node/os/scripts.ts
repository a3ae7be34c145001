// Runs scripts of OS definitions so that a repeated call never runs beside what an earlier call, or an earlier worker, left running.
//
// Each run has a folder FOLDER/KEY.RANDOM. Before the script begins, its process group is recorded there as `group`, by link(2), which
// succeeds only once. Whoever wants to end the runs of a key either reads that record and kills the group, or creates the name
// first, and then the script never begins. The record holds the boot id and the start time, so that a reused pid is not killed.
import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { MerapiError } from '../../base/errors.ts';
import { type ExecOptions, type ExecResult, killGroup, run } from '../../base/exec.ts';
import { fileStem } from '../names.ts';
import {
  argumentsOf,
  bootId,
  findProcess,
  groupMembers,
  isOwn,
  type ProcessInfo,
  parseStat,
} from '../processes.ts';
import { ignore } from '../storage/raw.ts';

export interface ScriptOptions {
  cwd: string;
  /** The whole environment of the script. */
  env: NodeJS.ProcessEnv;
  /** The file, or named pipe, for the script's output. */
  logFile: string;
  /** Milliseconds after which the script is killed. */
  timeout: number;
  /** Ends the script when aborted. */
  signal: AbortSignal;
  /** Gets the script's standard output, which then does not go to the log. */
  reads?: (stdout: Readable) => void;
  /** Gets the script's standard input and must end it; without it the input is empty. */
  writes?: (stdin: Writable) => void;
}

/**
 * The shell code that the process executes before it becomes the script (`exec`). It writes the boot id, its own line of
 * /proc/PID/stat (with the pid, which is also the id of the group, and the start time) and the path of the script to a file, and
 * goes on only if it can link that file to `group`. Arguments: $1 the folder of the run, $2 the log, $3 the script;
 * `redirections` connect the script's input and output.
 */
const launcher = (redirections: string) => `
read -r boot </proc/sys/kernel/random/boot_id && read -r stat <"/proc/$$/stat" &&
printf '%s\\n%s\\n%s\\n' "$boot" "$stat" "$3" >"$1/$$" && ln "$1/$$" "$1/group" && exec "$3" ${redirections}`;

/** Milliseconds that a killed group may take to disappear. */
const KILL_TIMEOUT = 10_000;

/**
 * Runs scripts, each in a process group of its own. A key says what a script works on (the uuid of an instance, or of one of its disks):
 * the scripts of a key must not run at the same time, so callers call end() before run().
 */
export class ScriptGroups {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Runs a script to its end and kills what it leaves running in its group.
   * @throws MerapiError timeout when it took too long, environment_error when it cannot be started; the reason of `signal` when
   *   that was aborted
   */
  async run(key: string, script: string, options: ScriptOptions): Promise<ExecResult> {
    const { cwd, env, logFile, timeout, signal, reads, writes } = options;
    signal.throwIfAborted();
    const folder = join(this.#folder, `${fileStem(key)}.${randomBytes(6).toString('hex')}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let group = 0;
    const abort = () => {
      if (group) killGroup(group);
    };
    signal.addEventListener('abort', abort);
    const redirections = `2>"$2" ${reads ? '' : '>&2'} ${writes ? '' : '</dev/null'}`;
    try {
      const result = await run('/bin/sh', ['-c', launcher(redirections), 'sh', folder, logFile, script], {
        cwd,
        env,
        timeout,
        ...(reads || writes ? { pipes: pipesOf({ reads, writes }) } : {}),
        onStart: (pid) => {
          group = pid;
          if (signal.aborted) abort();
        },
      });
      killGroup(group);
      signal.throwIfAborted();
      return result;
    } finally {
      signal.removeEventListener('abort', abort);
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Kills all scripts of a key that still run, those of an earlier worker included, and waits until they are gone.
   * @throws MerapiError configuration when a record is malformed, execution when a script cannot be killed
   */
  async end(key: string): Promise<void> {
    const prefix = `${fileStem(key)}.`;
    for (const name of await this.#runs()) if (name.startsWith(prefix)) await this.#endRun(name);
  }

  /**
   * Kills all scripts, which must be those of an earlier worker: no call waits for them, and the master may never repeat the calls that
   * started them. Those that cannot be killed are reported, and stay until end() is called for them.
   */
  async endAll(report: (error: unknown) => void): Promise<void> {
    await Promise.all((await this.#runs()).map((name) => this.#endRun(name).catch(report)));
  }

  async #runs(): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return readdir(this.#folder);
  }

  async #endRun(name: string): Promise<void> {
    const folder = join(this.#folder, name);
    const record = await claim(folder);
    if (record) await endGroup(record, join(folder, 'group'));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Connects the pipes of a script: an unused input is closed, an unused output is read and dropped. */
function pipesOf({ reads, writes }: Pick<ScriptOptions, 'reads' | 'writes'>): ExecOptions['pipes'] {
  return (stdin, stdout) => {
    if (writes) writes(stdin);
    else stdin.end();
    if (reads) reads(stdout);
    else stdout.resume();
  };
}

/**
 * The record in the folder of a run; null when there is none. In that case this call has taken its name, so that the script of this run
 * never begins.
 */
async function claim(folder: string): Promise<string | null> {
  try {
    await writeFile(join(folder, 'nobody'), '');
    await link(join(folder, 'nobody'), join(folder, 'group'));
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null; // the script has just ended and its folder is gone
    if (code !== 'EEXIST') throw error;
    return (await readFile(join(folder, 'group'), 'utf8').catch(ignore('ENOENT'))) || null;
  }
}

/** Kills the process group of a record, if it still exists. `path` is the record's file, for the message. */
async function endGroup(record: string, path: string): Promise<void> {
  const [boot = '', stat = '', script = ''] = record.split('\n');
  const recorded = parseStat(stat);
  if (!recorded || !/^[0-9a-f-]{36}$/.test(boot))
    throw new MerapiError(
      'configuration',
      `${path} (the process that runs a script of this instance) cannot be used: its contents are malformed; end the script if it still runs, and remove the folder of the file`,
    );
  if (boot !== (await bootId())) return;
  const leader = await findProcess(recorded.pid);
  if (leader && !(await isSame(leader, recorded.start, script))) return; // the pid now belongs to another process
  const deadline = performance.now() + KILL_TIMEOUT;
  while (performance.now() < deadline) {
    if ((await groupMembers(recorded.pid)).length === 0) return;
    killGroup(recorded.pid);
    await sleep(20);
  }
  throw new MerapiError('execution', `The old script with process id ${recorded.pid} cannot be ended`);
}

/** Whether a process is the recorded one: of this user, with this start time, and with the script on its command line. */
async function isSame({ pid, start }: ProcessInfo, recorded: string, script: string): Promise<boolean> {
  if (start !== recorded || !(await isOwn(pid))) return false;
  return script === '' || (await argumentsOf(pid)).includes(script); // older releases did not record the script
}
