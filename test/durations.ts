// How long the test files take: recorded by each run of all of them, read to give processes the same amount of work.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** A test or suite that has ended, as the reporter writes it. */
export interface EndedTest {
  file: string;
  name: string;
  /** 0 at the top of its file. */
  nesting: number;
  ms: number;
}

/** Seconds by file, named from the folder of the tests. */
export type Durations = Readonly<Record<string, number>>;

/** What a file counts that has not been recorded, in seconds. */
const UNKNOWN = 1;

const here = import.meta.dirname;
const recorded = join(here, 'durations.json');
/** What the tests of the last run of all files took. */
const lastRun = join(here, '..', 'build', 'tests', 'last-run.json');

/** Divides files among processes: the longest first, each to the one that has the least so far. */
export function balanced(files: readonly string[], durations: Durations, count: number): string[][] {
  const shares = Array.from({ length: count }, () => ({ files: [] as string[], seconds: 0 }));
  const cost = (file: string) => durations[file] ?? UNKNOWN;
  for (const file of [...files].sort((a, b) => cost(b) - cost(a))) {
    const least = shares.reduce((a, b) => (b.seconds < a.seconds ? b : a));
    least.files.push(file);
    least.seconds += cost(file);
  }
  return shares.map((share) => share.files.sort());
}

export async function recordedDurations(): Promise<Durations> {
  return JSON.parse(await readFile(recorded, 'utf8')) as Durations;
}

/** Where a process writes what its tests take. */
export async function reportOf(index: number): Promise<string> {
  const file = join(dirname(lastRun), `process-${index}.jsonl`);
  await mkdir(dirname(file), { recursive: true });
  return file;
}

/** Keeps what the processes of a run have written. */
export async function keepRun(reports: readonly string[]): Promise<void> {
  const texts = await Promise.all(reports.map((file) => readFile(file, 'utf8')));
  const ended = texts.flatMap((text) => text.split('\n').filter(Boolean));
  await writeFile(lastRun, `[\n${ended.join(',\n')}\n]\n`);
}

/** The tests of the last run. @throws Error when there was none */
async function readRun(): Promise<EndedTest[]> {
  const text = await readFile(lastRun, 'utf8').catch(() => {
    throw new Error('There is no record of a run: run bin/test first.');
  });
  const tests = JSON.parse(text) as EndedTest[];
  return tests.map((test) => ({ ...test, file: relative(here, test.file) }));
}

function byFile(tests: readonly EndedTest[]): [file: string, seconds: number][] {
  const seconds = new Map<string, number>();
  for (const { file, nesting, ms } of tests)
    if (nesting === 0) seconds.set(file, (seconds.get(file) ?? 0) + ms / 1000);
  return [...seconds].sort(([, a], [, b]) => b - a);
}

/** The slowest files and tests of the last run, as text. */
export async function slowest(count: number): Promise<string> {
  const tests = await readRun();
  const parents = new Set(tests.map(({ file, nesting }) => `${file} ${nesting}`));
  const leaves = tests.filter(({ file, nesting }) => !parents.has(`${file} ${nesting + 1}`));
  const line = (seconds: number, what: string) => `${seconds.toFixed(1).padStart(7)} s  ${what}`;
  const files = byFile(tests);
  return [
    line(
      files.reduce((sum, [, seconds]) => sum + seconds, 0),
      'all files',
    ),
    ...files.slice(0, count).map(([file, seconds]) => line(seconds, file)),
    '',
    ...leaves
      .sort((a, b) => b.ms - a.ms)
      .slice(0, count)
      .map(({ file, name, ms }) => line(ms / 1000, `${file}: ${name}`)),
  ].join('\n');
}

/** Makes what the last run took the recorded durations. */
export async function record(): Promise<void> {
  const files = byFile(await readRun());
  const long = files.filter(([, seconds]) => seconds >= 0.5).sort(([a], [b]) => (a < b ? -1 : 1));
  const rounded = long.map(([file, seconds]) => [file, Math.round(seconds * 10) / 10]);
  await writeFile(recorded, `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`);
}
