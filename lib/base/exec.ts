// Runs programs, always without a shell and each in a process group of its own, so that a timeout kills its children too. Messages
// never contain the values of arguments or variables, which may be secret.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { MerapiError } from './errors.ts';
import { systemCode, systemText } from './system-errors.ts';

export interface ExecOptions {
  /** Milliseconds until the program's whole process group is killed; default 60,000. */
  timeout?: number;
  cwd?: string;
  /** The whole environment of the program; by default this process's own. */
  env?: NodeJS.ProcessEnv;
  /** Text for the program's standard input; by default it is empty. */
  input?: string;
  /** Receives the program's standard input, which it must end, and output. `input` is then ignored, and `stdout` is empty. */
  pipes?: (stdin: Writable, stdout: Readable) => void;
  /** Called with the pid (= process group) as soon as the program runs. When it fails, the program is killed and run() fails. */
  onStart?: (pid: number) => void | Promise<void>;
}

/** How a program ended, and the last part of its output. */
export interface ExecResult {
  /** The exit code; null when a signal ended the program. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

type PipedProcess = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

/** Linux's limit for one argument or one variable (`NAME=value`), in bytes (MAX_ARG_STRLEN without the final NUL). */
const LONGEST_STRING = 131_071;

/** How much of each output stream is kept: its last 64 KiB. */
const KEPT_OUTPUT = 64 * 1024;

/**
 * Starts a program. A failure that is only known later, such as a missing program, comes as the event `error` of the process;
 * cannotRun() turns it into a MerapiError.
 * @throws MerapiError environment_error when it cannot be started with these arguments and this environment; its text says which
 * one is wrong, without its value
 */
export function startProgram(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  for (const [index, arg] of args.entries()) checkPassable(program, `argument ${index + 1}`, arg);
  for (const [name, value] of Object.entries(options.env ?? {}))
    checkPassable(program, `the variable ${JSON.stringify(name.slice(0, 100))}`, `${name}=${value}`);
  try {
    return spawn(program, args, options);
  } catch (cause) {
    throw cannotRun(program, args, options, cause);
  }
}

/** The error for a program that could not be started. The text of `cause` is left out, for it may contain any argument or variable. */
export function cannotRun(
  program: string,
  args: readonly string[],
  { env = process.env }: Pick<SpawnOptions, 'env'>,
  cause: unknown,
): MerapiError {
  const why = systemText(cause) ?? 'the system refuses it';
  const size = systemCode(cause) === 'E2BIG' ? `; ${sizeText(args, env)}` : '';
  return new MerapiError('environment_error', `Cannot run ${program}: ${why}${size}`);
}

function checkPassable(program: string, what: string, text: string): void {
  const refuse = (why: string) =>
    new MerapiError('environment_error', `Cannot run ${program}: ${what} ${why}`);
  const size = Buffer.byteLength(text);
  if (text.includes('\0')) throw refuse('contains a NUL character, which cannot be passed to a program');
  if (size > LONGEST_STRING)
    throw refuse(`has ${size} bytes; at most ${LONGEST_STRING} can be passed to a program in one text`);
}

/** The sizes of arguments and environment, with the NUL that ends each of them, for the message about E2BIG. */
function sizeText(args: readonly string[], env: NodeJS.ProcessEnv): string {
  const variables = Object.entries(env).map(([name, value]) => ({
    name,
    size: Buffer.byteLength(`${name}=${value}`) + 1,
  }));
  let total = 0;
  for (const { size } of variables) total += size;
  for (const arg of args) total += Buffer.byteLength(arg) + 1;
  let largest = { name: 'none', size: 0 };
  for (const variable of variables) if (variable.size > largest.size) largest = variable;
  return `they have ${total} bytes, the largest variable is ${largest.name} with ${largest.size}`;
}

/**
 * Runs a program (no shell) in a process group of its own and waits until it ends. Any exit code is a result.
 * @throws MerapiError environment_error when it cannot be started, timeout when it ran too long (the group is then dead).
 */
export function run(
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const { cwd, env } = options;
    const child = startProgram(program, args, { cwd, env, detached: true, stdio: 'pipe' }) as PipedProcess;
    let stdout = '';
    let stderr = '';
    let expired = false;
    if (!options.pipes)
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout = (stdout + text).slice(-KEPT_OUTPUT);
      });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-KEPT_OUTPUT);
    });
    const timer = setTimeout(() => {
      expired = true;
      if (child.pid !== undefined) killGroup(child.pid);
      child.stdout.destroy(); // a program that left the group may hold them open for ever
      child.stderr.destroy();
    }, options.timeout ?? 60_000);
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(cannotRun(program, args, options, cause));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (expired) {
        const seconds = (options.timeout ?? 60_000) / 1000;
        reject(new MerapiError('timeout', `${program} did not end within ${seconds} s and was killed`));
      } else resolve({ code, signal, stdout, stderr });
    });
    child.stdin.on('error', () => undefined); // a program may end without reading its input
    if (options.pipes) options.pipes(child.stdin, child.stdout);
    else child.stdin.end(options.input ?? '');
    if (child.pid !== undefined && options.onStart) {
      Promise.resolve(options.onStart(child.pid)).catch((cause) => {
        killGroup(child.pid as number);
        clearTimeout(timer);
        reject(cause);
      });
    }
  });
}

/**
 * Like run(), but any exit code other than 0 is an error whose text ends with the last lines of the program's output. Returns its
 * standard output.
 * @throws MerapiError execution, environment_error, timeout
 */
export async function runOrThrow(
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<string> {
  const result = await run(program, args, options);
  if (result.code === 0) return result.stdout;
  const how = result.code === null ? `was ended by ${result.signal}` : `failed with exit code ${result.code}`;
  const words = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-5).join('\n');
  throw new MerapiError('execution', `${program} ${how}${words ? `: ${words}` : ''}`);
}

/** Sends a signal to a process group, by default SIGKILL. Does nothing when the group does not exist. */
export function killGroup(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether a process with this id exists (a zombie counts). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
