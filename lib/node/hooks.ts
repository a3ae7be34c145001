import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, MerapiError } from '../base/errors.ts';
import { run } from '../base/exec.ts';
import { systemCode } from '../base/system-errors.ts';
import { ANY_HOOK, HOOKS_TIMEOUT, type HookResult } from '../rpc/calls/hooks.ts';

/** The file names that are scripts, as Ganeti has it. */
const scriptName = /^[A-Za-z0-9_-]+$/;
const folderName = /^([a-z-]+-(?:pre|post))\.d$/;

/** How much of a script's output is told, in characters. */
const TOLD = 1000;

const SEARCH_PATH = '/sbin:/bin:/usr/sbin:/usr/bin';

/** The administrator's scripts of one node: in FOLDER/HOOK-pre.d and FOLDER/HOOK-post.d. */
export class HookScripts {
  readonly #folder: string;
  readonly #environment: Record<string, string>;

  /** `dataFolder` is what the scripts are told as GANETI_DATA_DIR. */
  constructor(folder: string, dataFolder: string) {
    this.#folder = folder;
    this.#environment = { PATH: SEARCH_PATH, GANETI_DATA_DIR: dataFolder };
  }

  /**
   * The hooks that have a script here, e.g. `instance-add-pre`, sorted. One whose scripts cannot be listed counts as having some:
   * running them tells what is wrong.
   */
  async present(): Promise<string[]> {
    const names = await entries(this.#folder).catch(() => null);
    if (names === null) return [ANY_HOOK];
    const hooks: string[] = [];
    for (const name of names) {
      const hook = folderName.exec(name)?.[1];
      if (hook && (await mayHaveScripts(join(this.#folder, name)))) hooks.push(hook);
    }
    return hooks;
  }

  /**
   * Runs the scripts of a hook in the order of their names; what a script lacks or breaks is its result.
   * @throws MerapiError environment_error when they cannot be listed
   */
  async run(
    hook: string,
    phase: 'pre' | 'post',
    env: Readonly<Record<string, string>>,
  ): Promise<HookResult[]> {
    const folder = join(this.#folder, `${hook}-${phase}.d`);
    const end = performance.now() + HOOKS_TIMEOUT;
    const results: HookResult[] = [];
    for (const script of await scriptsIn(folder)) {
      const timeout = Math.max(1, end - performance.now());
      const outcome = await runScript(join(folder, script), { ...this.#environment, ...env }, timeout);
      results.push({ script, ...outcome });
    }
    return results;
  }
}

async function runScript(
  file: string,
  env: Record<string, string>,
  timeout: number,
): Promise<Omit<HookResult, 'script'>> {
  try {
    const { code, signal, stdout, stderr } = await run(file, [], { env, timeout, cwd: '/' });
    const ended = code === 0 ? '' : code === null ? `ended by ${signal}` : `exit code ${code}`;
    const parts = [ended, stdout.trim(), stderr.trim()].filter((part) => part !== '');
    return { succeeded: code === 0, output: parts.join('\n').slice(-TOLD) };
  } catch (error) {
    if (!(error instanceof MerapiError)) throw error;
    return { succeeded: false, output: errorText(error).slice(-TOLD) };
  }
}

async function mayHaveScripts(folder: string): Promise<boolean> {
  return scriptsIn(folder).then(
    (scripts) => scripts.length > 0,
    () => true,
  );
}

async function scriptsIn(folder: string): Promise<string[]> {
  const names = (await entries(folder)).filter((name) => scriptName.test(name));
  const usable = await Promise.all(names.map((name) => isScript(join(folder, name))));
  return names.filter((_, index) => usable[index]);
}

/** Whether a file is meant to run. What cannot be looked at is: the attempt to run it tells what is wrong. */
async function isScript(file: string): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await access(file, constants.X_OK);
    return true;
  } catch (error) {
    return systemCode(error) !== 'EACCES';
  }
}

/** What is in a folder, sorted; nothing when it is not there. @throws MerapiError environment_error when it cannot be read */
async function entries(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new MerapiError('environment_error', `The folder ${folder} cannot be read: ${errorText(error)}`);
  }
}
