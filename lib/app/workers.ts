// Starts, finds and ends the node worker of this machine. It survives a crash of the master, so DIR/worker.json identifies it: its process
// id with the start time and the boot, because ids alone are reused.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { lstat, mkdir, open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { MerapiError } from '../base/errors.ts';
import { startProgram } from '../base/exec.ts';
import { readFileOrNull } from '../base/files.ts';
import { compiled } from '../base/installation.ts';
import { readStateFile, type StateFormat, stateText, writeStateFile } from '../base/state-file.ts';
import { folderHolder } from '../node/lock.ts';
import { argumentsOf, bootId, findProcess, isOwn, parseStat, programOf } from '../node/processes.ts';
import { CONTRACT } from '../rpc/wire.ts';
import { clearEndpoint, readEndpoint } from './endpoint.ts';
import type { Layout } from './layout.ts';

/** How long a worker may take until it listens, and until it has ended, in milliseconds. */
const START_TIME = 15_000;
const END_TIME = 3_500;

/** The content of DIR/worker.json: the process that runs the nodes of this machine. */
const WorkerProcess = z.object({
  pid: z.number().int().positive(),
  /** Its start time in clock ticks since the machine booted. */
  start: z.string(),
  /** The id of that boot; missing in files of the first release. */
  boot: z.string().optional(),
  nodes: z.array(z.string()),
  /** The version of the protocol with the master that it supports; missing in files of the first release. */
  contract: z.number().int().default(1),
});
type WorkerProcess = z.infer<typeof WorkerProcess>;

const format: StateFormat<WorkerProcess> = {
  what: 'which process runs the nodes of this machine',
  remedy: "remove it: 'merapi up' finds the process by the folders of the nodes, and rewrites it",
  version: 1,
  schema: WorkerProcess,
};

/**
 * Ensures that a worker runs these nodes: the one that an earlier master started, if it lives, runs all of them and supports this
 * master's protocol; otherwise a new one, after that one was ended. Resolves when it listens.
 * @throws MerapiError wrong_state when another process runs one of the nodes, environment_error when the worker does not start; and the
 * reason of the signal
 */
export async function ensureWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const living = await livingWorker(layout);
  const isSuitable =
    living !== null && living.contract === CONTRACT && nodes.every((name) => living.nodes.includes(name));
  if (living && !isSuitable) await endWorker(layout);
  if (!isSuitable) await clearEndpoints(layout, nodes);
  const { pid } = isSuitable ? living : await startWorker(layout, nodes, args);
  const deadline = performance.now() + START_TIME;
  for (const name of nodes)
    while ((await readEndpoint(layout.nodeFolder(name))) === null) {
      signal.throwIfAborted();
      if (!(await findProcess(pid)) || performance.now() > deadline)
        throw new MerapiError(
          'environment_error',
          `The node worker did not start: ${await lastLine(layout)}`,
        );
      await sleep(20);
    }
}

/** Ends the process that runs the nodes of this machine, by SIGTERM, then SIGKILL. Their guests keep running. */
export async function endWorker(layout: Layout): Promise<void> {
  const worker = await livingWorker(layout);
  if (worker === null) return;
  process.kill(worker.pid, 'SIGTERM');
  const deadline = performance.now() + END_TIME;
  while ((await livingWorker(layout)) !== null) {
    if (performance.now() > deadline) {
      process.kill(worker.pid, 'SIGKILL');
      return;
    }
    await sleep(20);
  }
}

/**
 * The process in DIR/worker.json, if it lives. When that file cannot be read, the process is found by its locks on the folders of the
 * nodes, and the file is rewritten.
 */
export async function livingWorker(layout: Layout): Promise<WorkerProcess | null> {
  let worker: WorkerProcess | null;
  try {
    worker = await readStateFile(layout.workerProcess, format);
  } catch (error) {
    if (!(error instanceof MerapiError)) throw error;
    worker = await holderOfNodes(layout);
    // When this write fails, the next start of a worker writes the file or reports why it cannot.
    if (worker) await writeStateFile(layout.workerProcess, format, worker).catch(() => undefined);
  }
  return worker && (await isWorker(worker)) ? worker : null;
}

/** Whether the process with this id is the recorded worker: the same user, start time and boot, and the arguments of a worker. */
async function isWorker({ pid, start, boot }: WorkerProcess): Promise<boolean> {
  if ((await findProcess(pid))?.start !== start || !(await isOwn(pid))) return false;
  if (boot !== undefined && boot !== (await bootId())) return false;
  const args = await argumentsOf(pid);
  const program = basename((await programOf(pid)) ?? '');
  return program.startsWith('node') && args.includes('node') && args.includes('--dir');
}

/** The process that has locked most of the folders of nodes on this machine; null when none is locked. */
async function holderOfNodes(layout: Layout): Promise<WorkerProcess | null> {
  const held = new Map<number, string[]>();
  for (const name of await readdir(layout.nodes).catch(() => [])) {
    const pid = (await folderHolder(layout.nodeFolder(name)))?.pid ?? null;
    if (pid !== null) held.set(pid, [...(held.get(pid) ?? []), name]);
  }
  const [found] = [...held].sort(([, a], [, b]) => b.length - a.length);
  const info = found ? await findProcess(found[0]) : null;
  // Workers of the first release did not lock their folders; the contract of any later one is assumed to be the present one.
  return found && info ? { pid: info.pid, start: info.start, nodes: found[1], contract: CONTRACT } : null;
}

/** Removes the address files that killed workers left behind: they would look as if the new worker listened already. */
async function clearEndpoints(layout: Layout, nodes: readonly string[]): Promise<void> {
  for (const name of nodes) {
    const folder = layout.nodeFolder(name);
    const holder = await folderHolder(folder);
    if (holder !== null)
      throw new MerapiError(
        'wrong_state',
        `${holder.pid === null ? 'Another process' : `Process ${holder.pid}`} runs the node ${name}; stop it first`,
      );
    await clearEndpoint(folder);
  }
}

async function startWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
): Promise<WorkerProcess> {
  const boot = await bootId();
  if ((await lstat(layout.workerProcess).catch(() => null))?.isDirectory())
    throw new MerapiError(
      'configuration',
      `${layout.workerProcess} (${format.what}) cannot be written: a folder is in its place; remove it`,
    );
  await mkdir(layout.logs, { recursive: true, mode: 0o700 });
  const log = await open(join(layout.logs, 'worker.log'), 'a', 0o600);
  try {
    const folders = nodes.flatMap((name) => ['--dir', layout.nodeFolder(name)]);
    const cli = fileURLToPath(compiled('cli/main'));
    // In a session of its own: it outlives this process, and a Ctrl-C in the terminal does not reach it.
    const child = startProgram(process.execPath, [cli, 'node', ...folders, ...args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    child.on('error', () => undefined); // recordWorker() reports it
    return recordWorker(layout, child.pid, nodes, boot);
  } finally {
    await log.close();
  }
}

/**
 * Writes DIR/worker.json. Synchronously, to keep the time short in which a crash of this process would leave a worker that is not
 * recorded. (A crash of the machine ends the worker too.)
 */
function recordWorker(
  layout: Layout,
  pid: number | undefined,
  nodes: readonly string[],
  boot: string,
): WorkerProcess {
  const found = pid === undefined ? null : parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (!found) throw new MerapiError('environment_error', 'The node worker could not be started');
  const worker: WorkerProcess = {
    pid: found.pid,
    start: found.start,
    boot,
    nodes: [...nodes],
    contract: CONTRACT,
  };
  const temporary = `${layout.workerProcess}.tmp`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, stateText(format, worker));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, layout.workerProcess);
  return worker;
}

async function lastLine(layout: Layout): Promise<string> {
  const text = await readFileOrNull(join(layout.logs, 'worker.log'));
  return text?.trim().split('\n').at(-1) ?? 'it wrote nothing';
}
