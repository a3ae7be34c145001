import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { layoutOf } from '../../lib/app/layout.ts';
import { type ExecResult, run } from '../../lib/base/exec.ts';
import { exists, readFileOrNull } from '../../lib/base/files.ts';
import { findProcess } from '../../lib/node/processes.ts';
import { Client } from './client.ts';
import { placeKeys } from './keys.ts';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** The cluster, users and OS definitions of the recordings. */
export const conformance = fileURLToPath(new URL('../conformance/', import.meta.url));

interface WorkerProcess {
  pid: number;
  start: string;
}

/** The process that runs the nodes of a state folder, if it lives. */
export async function workerOf(dir: string): Promise<WorkerProcess | null> {
  const text = await readFileOrNull(layoutOf(dir).workerProcess);
  if (text === null) return null;
  const worker = JSON.parse(text) as WorkerProcess;
  return (await findProcess(worker.pid))?.start === worker.start ? worker : null;
}

/** Kills the process that runs the nodes of a state folder with SIGKILL; what it was. */
export async function killWorker(dir: string): Promise<WorkerProcess> {
  const worker = (await workerOf(dir)) ?? assert.fail('no worker lives');
  process.kill(worker.pid, 'SIGKILL');
  await eventually('the worker is gone', async () =>
    (await findProcess(worker.pid))?.start === worker.start ? null : true,
  );
  return worker;
}

/** Asks again and again until the answer is not null. */
export async function eventually<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  for (let left = 1500; left > 0; left--) {
    const answer = await ask();
    if (answer !== null) return answer;
    await sleep(20);
  }
  throw new Error(`This never happened: ${what}`);
}

/** A `merapi` that runs until it is stopped: the compiled program, as a process of its own. */
export class Program {
  readonly child: ChildProcess;
  readonly dir: string;
  /** What it has written so far. */
  stderr = '';
  readonly stdout: string[] = [];
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /** `files` is how many files it and its children may have open; `env` is added to the environment of both. */
  constructor(
    dir: string,
    args: readonly string[],
    files: number | null = null,
    env: NodeJS.ProcessEnv = {},
  ) {
    this.dir = dir;
    const command = [process.execPath, CLI, ...args];
    const limited =
      files === null ? command : ['sh', '-c', `ulimit -n ${files} && exec "$@"`, 'sh', ...command];
    this.child = spawn(limited[0] as string, limited.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.stdout.push(line),
    );
    this.#ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => resolve({ code, signal })),
    );
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get url(): string {
    return /^ready (.*)$/.exec(this.stdout[0] ?? '')?.[1] ?? assert.fail('the program is not ready');
  }

  /** What it has written on standard error, but for the lines that tell of wrong passwords, which a test may have tried. */
  get complaints(): string[] {
    return this.stderr.split('\n').filter((line) => line !== '' && !line.includes('"Wrong password"'));
  }

  /** The password of `admin`, if it was told. */
  get password(): string | null {
    return /^password: (.*)$/.exec(this.stdout[1] ?? '')?.[1] ?? null;
  }

  /** The certificate that clients must trust. */
  get ca(): string {
    return join(layoutOf(this.dir).certificates, 'ca.pem');
  }

  /** A client that is `admin` unless told otherwise (null: nobody). */
  async client(user: [string, string] | null = ['admin', this.password ?? 'secret']): Promise<Client> {
    const ca = this.url.startsWith('https') ? await readFile(this.ca, 'utf8') : null;
    return new Client(this.url, user, ca);
  }

  /** Resolves when it has said that it is ready; fails when it ends before. */
  async ready(): Promise<this> {
    await eventually('the program is ready', async () => {
      if (!this.isRunning) throw new Error(`The program ended before it was ready: ${this.stderr}`);
      return this.stdout.some((line) => line.startsWith('ready ')) ? true : null;
    });
    return this;
  }

  /** Ends it with SIGTERM; it and its worker must be gone then. */
  async stop(): Promise<void> {
    const worker = await workerOf(this.dir);
    this.child.kill('SIGTERM');
    const { code, signal } = await this.#ended;
    assert.deepEqual({ code, signal, stderr: this.stderr }, { code: 0, signal: null, stderr: this.stderr });
    if (worker) assert.notEqual((await findProcess(worker.pid))?.start, worker.start, 'the worker goes on');
  }

  async kill9(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
  }
}

/** How a test starts `merapi up`. */
export interface UpOptions {
  /** The state folder; a new one by default. */
  dir?: string;
  /** A cluster file; by default the cluster of the recordings with one node, made of fewer keys. */
  cluster?: string;
  /** The users file; by default that of the recordings, null lets the program make its own. */
  users?: string | null;
  ssl?: boolean;
  /** How many files it and its children may have open. */
  files?: number;
  /** Variables beside those of the tests' own environment. */
  env?: NodeJS.ProcessEnv;
  args?: readonly string[];
}

/** Everything a test file starts and makes; close() ends and removes it, whatever became of the test. */
export class Programs {
  readonly #programs: Program[] = [];
  readonly #folders: string[] = [];

  /** A new folder. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'merapi-app-'));
    this.#folders.push(folder);
    return folder;
  }

  /** Runs the program to its end. */
  run(args: readonly string[], options: { input?: string; cwd?: string } = {}): Promise<ExecResult> {
    return run(process.execPath, [CLI, ...args], options);
  }

  /** Starts any command that goes on running. */
  start(
    dir: string,
    args: readonly string[],
    files: number | null = null,
    env: NodeJS.ProcessEnv = {},
  ): Program {
    const program = new Program(dir, args, files, env);
    this.#programs.push(program);
    return program;
  }

  /** Starts `merapi up` on a free port and waits until it is ready. */
  async up(options: UpOptions = {}): Promise<Program> {
    const dir = options.dir ?? join(await this.folder(), 'state');
    return this.start(dir, await this.upArgs(dir, options), options.files, options.env).ready();
  }

  async upArgs(dir: string, options: UpOptions = {}): Promise<string[]> {
    const cluster = options.cluster ?? (await this.clusterFile());
    if (!(await exists(dir))) {
      const { nodes } = JSON.parse(await readFile(cluster, 'utf8')) as { nodes: { name: string }[] };
      await placeKeys(
        layoutOf(dir),
        options.ssl ? ['ca', 'master', 'rapi'] : ['ca', 'master'],
        nodes.map(({ name }) => name),
      );
    }
    const { users = `${conformance}users` } = options;
    return [
      'up',
      ...['--dir', dir, '--cluster', cluster, '--port', '0'],
      ...(users === null ? [] : ['--users', users]),
      ...(options.ssl ? [] : ['--no-ssl']),
      ...(options.args ?? []),
    ];
  }

  /** A file with the cluster of the recordings, changed and with only so many of its nodes. */
  async clusterFile(changes: Record<string, unknown> = {}, nodes = 1): Promise<string> {
    const spec = JSON.parse(await readFile(`${conformance}cluster.json`, 'utf8'));
    const file = join(await this.folder(), 'cluster.json');
    const os_search_path = [`${conformance}os`];
    const cluster = { ...spec, os_search_path, nodes: spec.nodes.slice(0, nodes), ...changes };
    await writeFile(file, JSON.stringify(cluster));
    return file;
  }

  async close(): Promise<void> {
    for (const program of this.#programs) {
      if (program.isRunning) await program.kill9();
      const worker = await workerOf(program.dir);
      if (worker) process.kill(worker.pid, 'SIGKILL');
    }
    for (const folder of this.#folders)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
