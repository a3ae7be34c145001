// The administrator's hook scripts on one node, in Ganeti's format (docs/hooks.md). The master asks which hooks have scripts by way of
// the node's facts, so that operations without hooks cost no call, and runs them with `hooks.run`.
//
// A script that fails, or cannot be run, is a result and not an error: the master decides what it means (a failed pre script
// refuses the opcode, a failed post script is only logged).
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, MerapiError } from '../base/errors.ts';
import { run } from '../base/exec.ts';
import { systemCode } from '../base/system-errors.ts';
import { ANY_HOOK, HOOKS_TIMEOUT, type HookResult } from '../rpc/calls/hooks.ts';

/** File names of scripts, as in Ganeti; files with other names (`check.sh`, backups of editors) do not run. */
const scriptName = /^[A-Za-z0-9_-]+$/;
const folderName = /^([a-z-]+-(?:pre|post))\.d$/;

/** How many characters of a script's output are returned, from its end. */
const OUTPUT_LIMIT = 1000;

const SEARCH_PATH = '/sbin:/bin:/usr/sbin:/usr/bin';

/** The hook scripts of one node, in FOLDER/HOOK-pre.d and FOLDER/HOOK-post.d. */
export class HookScripts {
  readonly #folder: string;
  readonly #environment: Record<string, string>;

  /** `dataFolder` is the worker's folder, which scripts get as GANETI_DATA_DIR. */
  constructor(folder: string, dataFolder: string) {
    this.#folder = folder;
    this.#environment = { PATH: SEARCH_PATH, GANETI_DATA_DIR: dataFolder };
  }

  /**
   * The hooks that have a script here, e.g. `instance-add-pre`, sorted. A hook whose scripts cannot be listed is included (if the
   * whole folder cannot be listed, `ANY_HOOK`): it must not be skipped silently, and running it reports the problem.
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
   * Runs all scripts of a hook in the order of their names, whether earlier ones failed or not. They share HOOKS_TIMEOUT; a script
   * that begins after it has passed is killed at once.
   * @throws MerapiError environment_error when the scripts cannot be listed
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
    const failure = code === null ? `ended by ${signal}` : `exit code ${code}`;
    const texts = [code === 0 ? '' : failure, stdout.trim(), stderr.trim()].filter((text) => text !== '');
    return { succeeded: code === 0, output: texts.join('\n').slice(-OUTPUT_LIMIT) };
  } catch (error) {
    if (!(error instanceof MerapiError)) throw error;
    return { succeeded: false, output: errorText(error).slice(-OUTPUT_LIMIT) };
  }
}

/** Whether a folder has scripts, or cannot be read. */
async function mayHaveScripts(folder: string): Promise<boolean> {
  return scriptsIn(folder).then(
    (scripts) => scripts.length > 0,
    () => true,
  );
}

/** The names of the scripts in a folder, sorted. @throws MerapiError environment_error when it cannot be read */
async function scriptsIn(folder: string): Promise<string[]> {
  const names = (await entries(folder)).filter((name) => scriptName.test(name));
  const usable = await Promise.all(names.map((name) => isScript(join(folder, name))));
  return names.filter((_, index) => usable[index]);
}

/**
 * Whether a file is a script: executable, and not a folder. A file that cannot be inspected for another reason than a missing
 * permission counts as one, because the attempt to run it then reports the problem.
 */
async function isScript(file: string): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await access(file, constants.X_OK);
    return true;
  } catch (error) {
    return systemCode(error) !== 'EACCES';
  }
}

/** The names in a folder, sorted; none when it does not exist. @throws MerapiError environment_error when it cannot be read */
async function entries(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new MerapiError('environment_error', `The folder ${folder} cannot be read: ${errorText(error)}`);
  }
}
