import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MerapiError } from '../base/errors.ts';
import { readFileOrNull, writeFileDurably } from '../base/files.ts';
import { findProcess } from '../node/processes.ts';
import type { Layout } from './layout.ts';

/** How long a worker has to listen, and to end, in milliseconds. */
const START_TIME = 15_000;
const END_TIME = 3_500;

/** The process that runs the nodes of this machine. */
export interface WorkerProcess {
  pid: number;
  /** Whether an earlier master had started it. */
  adopted: boolean;
}

/** Sees to it that a process runs these nodes: the one that an earlier master started, if it lives, or a new one. */
export async function ensureWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
): Promise<WorkerProcess> {
  const living = await livingWorker(layout);
  const pid = living ?? (await startWorker(layout, nodes, args));
  const deadline = Date.now() + START_TIME;
  for (const name of nodes)
    while ((await readFileOrNull(join(layout.nodeFolder(name), 'endpoint'))) === null) {
      if (!(await findProcess(pid)) || Date.now() > deadline)
        throw new MerapiError(
          'environment_error',
          `The node worker did not start: ${await lastLine(layout)}`,
        );
      await sleep(20);
    }
  return { pid, adopted: living !== null };
}

/** Ends the process that runs the nodes of this machine; their guests go on. */
export async function endWorker(layout: Layout): Promise<void> {
  const pid = await livingWorker(layout);
  if (pid === null) return;
  process.kill(pid, 'SIGTERM');
  for (const deadline = Date.now() + END_TIME; (await livingWorker(layout)) !== null; await sleep(20))
    if (Date.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      return;
    }
}

async function livingWorker(layout: Layout): Promise<number | null> {
  const text = await readFileOrNull(layout.workerProcess);
  if (!text) return null;
  const { pid, start } = JSON.parse(text) as { pid: number; start: string };
  return (await findProcess(pid))?.start === start ? pid : null;
}

async function startWorker(
  layout: Layout,
  nodes: readonly string[],
  args: readonly string[],
): Promise<number> {
  await mkdir(layout.logs, { recursive: true });
  const log = await open(join(layout.logs, 'worker.log'), 'a');
  try {
    const folders = nodes.flatMap((name) => ['--dir', layout.nodeFolder(name)]);
    const cli = fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? './cli.ts' : './cli.js', import.meta.url),
    );
    // In a session of its own: it outlives this process, and a Ctrl-C in the terminal does not reach it.
    const child = spawn(process.execPath, [...process.execArgv, cli, 'node', ...folders, ...args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    const { pid } = child;
    const found = pid === undefined ? null : await findProcess(pid);
    if (pid === undefined || !found)
      throw new MerapiError('environment_error', 'The node worker could not be started');
    await writeFileDurably(layout.workerProcess, `${JSON.stringify({ pid, start: found.start })}\n`);
    return pid;
  } finally {
    await log.close();
  }
}

async function lastLine(layout: Layout): Promise<string> {
  const text = await readFileOrNull(join(layout.logs, 'worker.log'));
  return text?.trim().split('\n').at(-1) ?? 'it wrote nothing';
}
