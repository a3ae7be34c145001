import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { MerapiError } from '../base/errors.ts';
import { startProgram } from '../base/exec.ts';
import { readFileOrNull } from '../base/files.ts';
import { folderHolder } from '../node/lock.ts';
import { findProcess, parseStat } from '../node/processes.ts';
import { ENDPOINT, type Layout } from './layout.ts';

/** How long a worker has to listen, and to end, in milliseconds. */
const START_TIME = 15_000;
const END_TIME = 3_500;

/** The process that runs the nodes of this machine, as DIR/worker.json names it. */
const WorkerProcess = z.object({ pid: z.number(), start: z.string(), nodes: z.array(z.string()) });
type WorkerProcess = z.infer<typeof WorkerProcess>;

/**
 * Sees to it that a process runs these nodes: the one that an earlier master started, if it lives and knows them all, or a
 * new one. Resolves when it listens. @throws MerapiError wrong_state when another process runs one of the nodes,
 * environment_error when it does not start; and the signal's reason.
 */
export async function ensureWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const living = await livingWorker(layout);
  const isFit = living !== null && nodes.every((name) => living.nodes.includes(name));
  if (living && !isFit) await endWorker(layout);
  if (!isFit) await clearEndpoints(layout, nodes);
  const { pid } = isFit ? living : await startWorker(layout, nodes, args);
  const deadline = Date.now() + START_TIME;
  for (const name of nodes)
    while ((await readFileOrNull(join(layout.nodeFolder(name), ENDPOINT))) === null) {
      signal.throwIfAborted();
      if (!(await findProcess(pid)) || Date.now() > deadline)
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
  for (const deadline = Date.now() + END_TIME; (await livingWorker(layout)) !== null; await sleep(20))
    if (Date.now() > deadline) {
      process.kill(worker.pid, 'SIGKILL');
      return;
    }
}

/** The process that DIR/worker.json names, if it still lives. */
export async function livingWorker(layout: Layout): Promise<WorkerProcess | null> {
  const text = await readFileOrNull(layout.workerProcess);
  if (!text) return null;
  const worker = WorkerProcess.parse(JSON.parse(text));
  return (await findProcess(worker.pid))?.start === worker.start ? worker : null;
}

/** Removes what killed workers left behind: it would look as if the new one listened already. */
async function clearEndpoints(layout: Layout, nodes: readonly string[]): Promise<void> {
  for (const name of nodes) {
    const folder = layout.nodeFolder(name);
    const holder = await folderHolder(folder);
    if (holder !== null)
      throw new MerapiError('wrong_state', `Process ${holder} runs the node ${name}; end it first`);
    await rm(join(folder, ENDPOINT), { force: true });
  }
}

async function startWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
): Promise<WorkerProcess> {
  await mkdir(layout.logs, { recursive: true });
  const log = await open(join(layout.logs, 'worker.log'), 'a');
  try {
    const folders = nodes.flatMap((name) => ['--dir', layout.nodeFolder(name)]);
    const cli = fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? './cli.ts' : './cli.js', import.meta.url),
    );
    // In a session of its own: it outlives this process, and a Ctrl-C in the terminal does not reach it.
    const child = startProgram(process.execPath, [...process.execArgv, cli, 'node', ...folders, ...args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    child.on('error', () => undefined); // told below
    return record(layout, child.pid, nodes);
  } finally {
    await log.close();
  }
}

/**
 * Notes which process is the worker. Without a pause, so that hardly any crash of this process can come between the start of
 * the worker and the note of it; a crash of the machine ends the worker too.
 */
function record(layout: Layout, pid: number | undefined, nodes: readonly string[]): WorkerProcess {
  const found = pid === undefined ? null : parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (!found) throw new MerapiError('environment_error', 'The node worker could not be started');
  const worker: WorkerProcess = { pid: found.pid, start: found.start, nodes: [...nodes] };
  const temporary = `${layout.workerProcess}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(worker)}\n`);
  renameSync(temporary, layout.workerProcess);
  return worker;
}

async function lastLine(layout: Layout): Promise<string> {
  const text = await readFileOrNull(join(layout.logs, 'worker.log'));
  return text?.trim().split('\n').at(-1) ?? 'it wrote nothing';
}
