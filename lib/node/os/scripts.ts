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
import { expect } from '../storage/raw.ts';

export interface ScriptOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Gets all that the script writes. */
  logFile: string;
  /** Milliseconds. */
  timeout: number;
  /** Ends the script when aborted. */
  signal: AbortSignal;
  /** Takes the script's standard output, which then does not go to the log. */
  reads?: (stdout: Readable) => void;
  /** Gives the script its standard input, by default an empty one, and ends it. */
  writes?: (stdin: Writable) => void;
}

/**
 * Runs before the script, as the process that becomes it: it writes down the boot id and its own line of /proc/PID/stat
 * (with the pid, which is that of the group, and the start time) and the script's path, and goes on only when it can put that in place as `group`.
 * Whoever wants the script not to run puts that name in place first; a link is made once or not at all. `redirected` says
 * where the script reads from and writes to.
 */
const gate = (redirected: string) => `
read -r boot </proc/sys/kernel/random/boot_id && read -r stat <"/proc/$$/stat" &&
printf '%s\\n%s\\n%s\\n' "$boot" "$stat" "$3" >"$1/$$" && ln "$1/$$" "$1/group" && exec "$3" ${redirected}`;

/** How long a killed group may take to be gone, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Runs scripts that must not run twice at once for one instance, also when the worker dies meanwhile: each has a process
 * group of its own, recorded in FOLDER/INSTANCE_UUID.RANDOM/ before the script begins.
 */
export class ScriptGroups {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Runs a script to its end; what it leaves running in its group is ended too.
   * @throws MerapiError timeout, and unavailable when `signal` ended it.
   */
  async run(instanceUuid: string, script: string, options: ScriptOptions): Promise<ExecResult> {
    const { cwd, env, logFile, timeout, signal, reads, writes } = options;
    signal.throwIfAborted();
    const folder = join(this.#folder, `${fileStem(instanceUuid)}.${randomBytes(6).toString('hex')}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let group = 0;
    const abort = () => {
      if (group) killGroup(group);
    };
    signal.addEventListener('abort', abort);
    const redirected = `2>"$2" ${reads ? '' : '>&2'} ${writes ? '' : '</dev/null'}`;
    try {
      const result = await run('/bin/sh', ['-c', gate(redirected), 'sh', folder, logFile, script], {
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

  /** Ends every script of an instance that still runs, whichever life of the worker started it, and waits until it is gone. */
  async end(instanceUuid: string): Promise<void> {
    const prefix = `${fileStem(instanceUuid)}.`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      if (!name.startsWith(prefix)) continue;
      const folder = join(this.#folder, name);
      const record = await claim(folder);
      if (record) await endGroup(record, join(folder, 'group'));
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Uses the pipes of a script; one that nobody wants is ended, or read in vain. */
function pipesOf({ reads, writes }: Pick<ScriptOptions, 'reads' | 'writes'>): ExecOptions['pipes'] {
  return (stdin, stdout) => {
    if (writes) writes(stdin);
    else stdin.end();
    if (reads) reads(stdout);
    else stdout.resume();
  };
}

/** The text of the record in the folder; null when there is none, and then there will never be one. */
async function claim(folder: string): Promise<string | null> {
  try {
    await writeFile(join(folder, 'nobody'), '');
    await link(join(folder, 'nobody'), join(folder, 'group'));
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null; // the script ended just now
    if (code !== 'EEXIST') throw error;
    return (await readFile(join(folder, 'group'), 'utf8').catch(expect('ENOENT'))) || null;
  }
}

async function endGroup(record: string, path: string): Promise<void> {
  const [boot = '', stat = '', script = ''] = record.split('\n');
  const recorded = parseStat(stat);
  if (!recorded || !/^[0-9a-f-]{36}$/.test(boot))
    throw new MerapiError(
      'configuration',
      `${path} (which process runs a script of this instance) cannot be used: it holds something else; end the script if it still runs, and remove the folder of the file`,
    );
  if (boot !== (await bootId())) return;
  const leader = await findProcess(recorded.pid);
  if (leader && !(await isSame(leader, recorded.start, script))) return; // another process has got that number since
  for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; await sleep(20)) {
    if ((await groupMembers(recorded.pid)).length === 0) return;
    killGroup(recorded.pid);
  }
  throw new MerapiError('execution', `The old script with process id ${recorded.pid} cannot be ended`);
}

/** Whether a process is the recorded one: of this user, begun at that time, with the script on its command line. */
async function isSame({ pid, start }: ProcessInfo, recorded: string, script: string): Promise<boolean> {
  if (start !== recorded || !(await isOwn(pid))) return false;
  return script === '' || (await argumentsOf(pid)).includes(script); // older releases did not note it
}
