// Sends the same random requests to a real Ganeti cluster, made for this, and to Merapi, and tells what is answered differently
// beyond the decisions of decisions.ts: npm run compare:ganeti -- [options]. See docs/compatibility.md.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type ExecResult, run } from '../../lib/base/exec.ts';
import { conformance, Programs } from '../helpers/program.ts';
import { Random } from '../helpers/random.ts';
import { episodesOf } from './episodes.ts';
import { type Failed, linesOf, summaryOf } from './report.ts';
import { partsOf, type Recorded, type Step, scenarioOf } from './step.ts';

const LAB = fileURLToPath(new URL('lab.sh', import.meta.url));
/** Ganeti takes seconds for a job. */
const SECONDS_PER_REQUEST = 30;
/** Where Ganeti's first node listens, in its own network. */
const GANETI = 'https://127.0.0.1:5080';
/** Each part of the requests is written down when it is answered. */
const STEPS_OF_PART = 40;
const PROGRAM = join(conformance, 'rapi_conformance.py');

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    requests: { type: 'string', default: '1000' },
    only: { type: 'string', multiple: true, default: [] },
    lab: { type: 'string', default: join(tmpdir(), 'merapi-ganeti-lab') },
    recording: { type: 'string', multiple: true, default: [] },
    'keep-lab': { type: 'boolean', default: false },
    show: { type: 'string', default: '40' },
    report: { type: 'string' },
  },
});

/** Runs the script that makes and removes the Ganeti cluster. */
async function lab(...args: string[]): Promise<void> {
  const result = await run('bash', [LAB, ...args], {
    env: { ...process.env, GANETI_LAB: options.lab },
    timeout: 1_200_000,
  });
  if (result.code !== 0) throw new Error(`lab.sh ${args.join(' ')} failed: ${result.stderr.slice(-2000)}`);
}

const failed = ({ code, stderr }: ExecResult) =>
  new Error(`the comparing program ended with ${code}: ${stderr}`);

/**
 * Asks Ganeti, from within its first node's network, and writes its answers to `recording` after each part, so that a run that is
 * broken off leaves what it has.
 */
async function record(steps: readonly Step[], recording: string): Promise<void> {
  const [scenario, answers] = [join(folder, 'part.json'), join(folder, 'answers.json')];
  const recorded: Recorded[] = [];
  await lab('base');
  await lab('up', '3');
  try {
    for (const part of partsOf(steps, STEPS_OF_PART)) {
      await writeFile(scenario, JSON.stringify(part));
      const args = ['python3', PROGRAM, 'record', GANETI, scenario, answers];
      const timeout = part.length * SECONDS_PER_REQUEST * 1000;
      const result = await run('ip', ['netns', 'exec', 'gl1', ...args], { timeout });
      if (result.code !== 0) throw failed(result);
      recorded.push(...JSON.parse(await readFile(answers, 'utf8')));
      await writeFile(recording, JSON.stringify(recorded));
      console.log(`Ganeti has answered ${recorded.length} of ${steps.length} requests`);
    }
  } finally {
    if (!options['keep-lab']) await lab('down');
  }
}

/** The message of these statuses is free: the comparing program takes "..." for any text. */
const FREE = [400, 500, 502];

function withFreeTexts(recording: Recorded[]): Recorded[] {
  for (const { answer } of recording) {
    const { status = 0, body } = answer;
    if (FREE.includes(status) && body) Object.assign(body, { message: '...' });
  }
  return recording;
}

/** Asks a new Merapi; what it answers differently. */
async function compare(recorded: Recorded[]): Promise<Failed[]> {
  const [recording, report] = [join(folder, 'reference.json'), join(folder, 'report.json')];
  await writeFile(recording, JSON.stringify(withFreeTexts(recorded)));
  const programs = new Programs();
  try {
    const program = await programs.up({ cluster: join(conformance, 'cluster.json') });
    const args = [PROGRAM, 'compare', program.url, recording, '--json', report];
    const result = await run('python3', args, { timeout: recorded.length * 10_000 });
    if (result.code !== 0 && result.code !== 1) throw failed(result);
    await program.stop();
  } finally {
    await programs.close();
  }
  return (JSON.parse(await readFile(report, 'utf8')) as { failed: Failed[] }).failed;
}

const folder = await mkdtemp(join(tmpdir(), 'merapi-compare-'));
try {
  const recordings = [...options.recording];
  if (recordings.length === 0) {
    const steps = scenarioOf(episodesOf(new Random(options.seed), Number(options.requests), options.only));
    console.log(`seed ${options.seed}: ${steps.length} requests`);
    recordings.push(options.report ?? join(folder, 'recording.json'));
    await record(steps, recordings[0] as string);
  }
  const recorded: Recorded[] = [];
  const failures: Failed[] = [];
  for (const [number, file] of recordings.entries()) {
    const named = <T extends { id: string }>(one: T): T => ({ ...one, id: `${number}:${one.id}` });
    const all = JSON.parse(await readFile(file, 'utf8')) as Recorded[];
    // Without a status Ganeti could not be asked: an answer that the request needs was a refusal.
    const steps = all.filter(({ answer }) => answer.status !== undefined);
    recorded.push(...steps.map(({ step, answer }) => ({ step: named(step), answer })));
    failures.push(...(await compare(steps)).map(named));
  }
  const summary = summaryOf(recorded, failures);
  for (const line of linesOf(summary, Number(options.show))) console.log(line);
  process.exitCode = summary.unexplained.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
