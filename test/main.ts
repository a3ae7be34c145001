// Runs the tests: those named on the command line in this process (Node 20 has no way to keep its test runner from starting one for
// each file), or all in two processes side by side.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { balanced, keepRun, record, recordedDurations, reportOf, slowest } from './durations.ts';
import { trackedUntil } from './tracking.ts';

/** How long a process may run without the end of a test, in ms: longer than any test takes. */
const SILENCE = 600_000;

/** How long after the last test a process may go on, in ms. */
const LEFTOVERS = 120_000;

/** How many processes run side by side: on two cores, since a third of the time of each is waiting. */
const PROCESSES = 3;

/** How many files and tests --list shows. */
const SHOWN = 25;

const here = dirname(fileURLToPath(import.meta.url));
const [first, ...rest] = process.argv.slice(2);
if (first === '--list') console.log(await slowest(Number(rest[0] ?? SHOWN)));
else if (first === '--record') await record();
else if (first !== undefined) await runHere([first, ...rest].map((file) => resolve(file)));
else await runAll();

async function runAll(): Promise<void> {
  const all = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const shares = balanced(all, await recordedDurations(), PROCESSES);
  const reports = await Promise.all(shares.map((_, index) => reportOf(index)));
  const codes = await Promise.all(
    shares.map((names, index) =>
      runApart(
        names.map((name) => join(here, name)),
        reports[index] ?? '',
        index === 0,
      ),
    ),
  );
  await keepRun(reports);
  process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
}

async function runHere(files: readonly string[]): Promise<void> {
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`There is no ${missing.join(', no ')}`);
  const stopTracking = trackedUntil(() => before(() => undefined));
  for (const file of files) await import(pathToFileURL(file).href);
  after(endLeftovers); // not earlier: it would run whenever the files that are loaded have no test left
  stopTracking();
}

/**
 * A failed test may leave a server or a program behind, which would keep this process for ever. What waits for a program ends after a
 * minute, also when another one that it left has its pipes.
 */
function endLeftovers(): void {
  const giveUp = () => {
    const open = process.getActiveResourcesInfo().join(' ');
    console.error(`still open ${LEFTOVERS / 1000} s after the last test: ${open}`);
    process.exit(1);
  };
  setTimeout(giveUp, LEFTOVERS).unref();
}

/**
 * Runs tests in a process of their own; what it tells is shown `live`, or when it has ended. What the tests take is written to `report`.
 * Answers its exit code, null when it was killed.
 */
async function runApart(files: readonly string[], report: string, live: boolean): Promise<number | null> {
  const reporters = [
    ...['--test-reporter=tap', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${pathToFileURL(join(here, 'durations-reporter.ts'))}`],
    `--test-reporter-destination=${report}`,
  ];
  const main = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, ...reporters, main, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: Buffer[] = [];
  let last = '';
  const giveUp = () => {
    console.error(`no test has ended for ${SILENCE / 60_000} minutes; the last one told this:\n${last}`);
    child.kill('SIGKILL');
  };
  const watchdog = setTimeout(giveUp, SILENCE);
  child.stdout.on('data', (chunk: Buffer) => {
    watchdog.refresh();
    last = chunk.toString('utf8').slice(-1000);
    if (live) process.stdout.write(chunk);
    else told.push(chunk);
  });
  const closed = once(child, 'close');
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(watchdog);
  // A program that a failed test left behind may keep the pipe open.
  await Promise.race([closed, sleep(5000)]);
  child.stdout.destroy();
  process.stdout.write(Buffer.concat(told));
  return code;
}
