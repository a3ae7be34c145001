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

/** How long a worker has to listen, and to end, in milliseconds. */
const START_TIME = 15_000;
const END_TIME = 3_500;

/** The process that runs the nodes of this machine, as DIR/worker.json names it. */
const WorkerProcess = z.object({
  pid: z.number().int().positive(),
  /** When it began, in clock ticks since the machine booted. */
  start: z.string(),
  /** Names the boot of the machine; the first release did not note it. */
  boot: z.string().optional(),
  nodes: z.array(z.string()),
  /** The contract with the master that it knows; the first release did not say. */
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
 * Sees to it that a process runs these nodes: the one that an earlier master started, if it lives and knows them all and
 * this master's contract, or a new one. Resolves when it listens. @throws MerapiError wrong_state when another process runs one of the nodes,
 * environment_error when it does not start; and the signal's reason.
 */
export async function ensureWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const living = await livingWorker(layout);
  const isFit =
    living !== null && living.contract === CONTRACT && nodes.every((name) => living.nodes.includes(name));
  if (living && !isFit) await endWorker(layout);
  if (!isFit) await clearEndpoints(layout, nodes);
  const { pid } = isFit ? living : await startWorker(layout, nodes, args);
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

/** Ends the process that runs the nodes of this machine; their guests go on. */
export async function endWorker(layout: Layout): Promise<void> {
  const worker = await livingWorker(layout);
  if (worker === null) return;
  process.kill(worker.pid, 'SIGTERM');
  for (const deadline = performance.now() + END_TIME; (await livingWorker(layout)) !== null; await sleep(20))
    if (performance.now() > deadline) {
      process.kill(worker.pid, 'SIGKILL');
      return;
    }
}

/**
 * The process that DIR/worker.json names, if it still lives. Where that file cannot be understood, the process is found by
 * the folders of the nodes, which it holds; then the file is rewritten.
 */
export async function livingWorker(layout: Layout): Promise<WorkerProcess | null> {
  let worker: WorkerProcess | null;
  try {
    worker = await readStateFile(layout.workerProcess, format);
  } catch (error) {
    if (!(error instanceof MerapiError)) throw error;
    worker = await holderOfNodes(layout);
    // What cannot be written now is written with the next worker, or refused there.
    if (worker) await writeStateFile(layout.workerProcess, format, worker).catch(() => undefined);
  }
  return worker && (await isWorker(worker)) ? worker : null;
}

/** Whether a process is the worker that was noted: of this user, begun at that time, with the words of a worker. */
async function isWorker({ pid, start, boot }: WorkerProcess): Promise<boolean> {
  if ((await findProcess(pid))?.start !== start || !(await isOwn(pid))) return false;
  if (boot !== undefined && boot !== (await bootId())) return false;
  const words = await argumentsOf(pid);
  const program = basename((await programOf(pid)) ?? '');
  return program.startsWith('node') && words.includes('node') && words.includes('--dir');
}

/** The process that holds the folders of nodes of this machine, as far as one does. */
async function holderOfNodes(layout: Layout): Promise<WorkerProcess | null> {
  const held = new Map<number, string[]>();
  for (const name of await readdir(layout.nodes).catch(() => [])) {
    const pid = (await folderHolder(layout.nodeFolder(name)))?.pid ?? null;
    if (pid !== null) held.set(pid, [...(held.get(pid) ?? []), name]);
  }
  const [found] = [...held].sort(([, a], [, b]) => b.length - a.length);
  const info = found ? await findProcess(found[0]) : null;
  // Workers of the first release did not hold their folders in this way.
  return found && info ? { pid: info.pid, start: info.start, nodes: found[1], contract: CONTRACT } : null;
}

/** Removes what killed workers left behind: it would look as if the new one listened already. */
async function clearEndpoints(layout: Layout, nodes: readonly string[]): Promise<void> {
  for (const name of nodes) {
    const folder = layout.nodeFolder(name);
    const holder = await folderHolder(folder);
    if (holder !== null)
      throw new MerapiError(
        'wrong_state',
        `${holder.pid === null ? 'Another process' : `Process ${holder.pid}`} runs the node ${name}; end it first`,
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
    child.on('error', () => undefined); // told below
    return record(layout, child.pid, nodes, boot);
  } finally {
    await log.close();
  }
}

/**
 * Notes which process is the worker. Without a pause, so that hardly any crash of this process can come between the start of
 * the worker and the note of it; a crash of the machine ends the worker too.
 */
function record(
  layout: Layout,
  pid: number | undefined,
  nodes: readonly string[],
  boot: string,
): WorkerProcess {
  const found = pid === undefined ? null : parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (!found) throw new MerapiError('environment_error', 'The node worker could not be started');
  const worker: WorkerProcess = {
    ...{ pid: found.pid, start: found.start, boot, nodes: [...nodes] },
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
