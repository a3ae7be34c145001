// Runs a random workload on a small cluster while things go wrong, and checks at the end that nothing is lost or left over:
// npm run chaos -- [--minutes N] [--seed S] [--nodes N] [--json] [--keep]. See docs/chaos.md.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Violation } from './checks/index.ts';
import { type ChaosReport, runChaos } from './run.ts';
import { SmallDisk } from './small-disk.ts';

/** In the process that has mounts and processes of its own: its folder. */
const INSIDE = 'MERAPI_CHAOS_INSIDE';
const USAGE = 'npm run chaos -- [--minutes N] [--seed S] [--nodes N] [--json] [--keep]';
/** How many violations are told in full. */
const TOLD = 20;

interface Settings {
  minutes: number;
  seed: string;
  nodes: number;
  json: boolean;
  keep: boolean;
}

function settingsOf(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      nodes: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const { seed, json, keep } = values;
  const [minutes, nodes] = [Number(values.minutes), Number(values.nodes)];
  if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
  if (!Number.isInteger(nodes) || nodes < 2 || nodes > 20)
    throw new Error('--nodes must be a whole number from 2 to 20');
  return { minutes, nodes, seed, json, keep };
}

/**
 * The command that runs this program with mounts and processes of its own, so that neither can outlive it; null where that
 * is not allowed. The shell is there to reap the processes that nobody waits for.
 */
function insideCommand(): string[] | null {
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', [...own, 'true']).status === 0;
  if (!isAllowed) return null;
  const again = [
    process.execPath,
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ];
  return ['unshare', ...own, '/bin/sh', '-c', '"$@"; exit $?', 'sh', ...again];
}

/** Runs it again as the command says; what it cannot remove itself because it was killed is removed here. */
async function outside([program = '', ...args]: readonly string[]): Promise<number> {
  const folder = await newFolder();
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, [INSIDE]: folder } });
  process.on('SIGINT', () => undefined); // a Ctrl-C reaches the other one too, which ends in order
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code === null) await rm(folder, { recursive: true, force: true });
  return code ?? 1;
}

const newFolder = () => mkdtemp(join(tmpdir(), 'merapi-chaos-'));

async function inside(settings: Settings, folder: string, mayMount: boolean): Promise<number> {
  const tell = (line: string) => void (settings.json || process.stdout.write(`${line}\n`));
  const disk = mayMount ? await SmallDisk.mount(join(folder, 'state')).catch(() => null) : null;
  if (!disk) tell('the disk cannot be filled: only root may mount one of its own');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let isKept = true;
  try {
    const time = settings.minutes * 60_000;
    const { signal } = stop;
    const { report, state } = await runChaos({ ...settings, time, folder, disk, tell, signal });
    isKept = settings.keep || report.violations.length > 0;
    if (isKept) await writeFile(join(folder, 'end-state.json'), JSON.stringify(state, null, 1));
    print(settings, report, isKept ? folder : null);
    return report.violations.length > 0 ? 1 : 0;
  } finally {
    await disk?.unmount(isKept);
    if (!isKept) await rm(folder, { recursive: true, force: true });
  }
}

function print({ json }: Settings, report: ChaosReport, folder: string | null): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...report, folder }, null, 2)}\n`);
    return;
  }
  const counts = (record: Record<string, number>) =>
    Object.entries(record)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const lines = [
    `seed ${report.seed}, ${report.seconds} s, ${report.kills} kills`,
    `faults: ${counts(report.faults)}`,
    `requests: ${counts(report.requests)}`,
    `jobs: ${counts(report.jobs)}`,
    ...(report.endsOfFullDisk > 0
      ? [`the master ended ${report.endsOfFullDisk} times because of the full disk`]
      : []),
    `left by failed jobs, as they tell: ${report.excused.length}`,
    ...report.excused.map((text) => `  ${text}`),
    `violations: ${report.violations.length}`,
    ...report.violations.slice(0, TOLD).flatMap(tellViolation),
    ...(folder ? [`the folder is kept: ${folder}`] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function tellViolation({ check, text, jobs }: Violation): string[] {
  return [
    `  ${text} [${check}]`,
    ...jobs.flatMap(({ id, ops, status, result, log }) => [
      `    job ${id} ${ops.join(', ')}: ${status} ${JSON.stringify(result).slice(0, 300)}`,
      ...log.map((line) => `      ${line.slice(0, 300)}`),
    ]),
  ];
}

async function main(): Promise<number> {
  let settings: Settings;
  try {
    settings = settingsOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    return 2;
  }
  const folder = process.env[INSIDE];
  if (folder) return inside(settings, folder, true);
  const command = insideCommand();
  return command ? outside(command) : inside(settings, await newFolder(), false);
}

process.exitCode = await main();
