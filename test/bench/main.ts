// The benchmarks: prints one JSON document; what is going on to standard error. Options: --quick, --rounds N.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TestCluster } from '../helpers/cluster.ts';
import { type Program, Programs } from '../helpers/program.ts';
import { limits } from './limits.ts';
import { median, part, round } from './load.ts';
import { type Amount, type Figures, measure, memoryOf, submitBehind } from './measure.ts';
import { clusterFile, type Size, seed } from './seed.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, rounds: { type: 'string' } },
});
const isQuick = options.quick === true;
const rounds = Number(options.rounds ?? (isQuick ? 1 : 5));
const amount: Amount = isQuick
  ? { requests: 300, jobs: 10, burst: 200 }
  : { requests: 10_000, jobs: 200, burst: 5000 };
const sizes: Size[] = isQuick
  ? [{ instances: 100, archived: 1000 }]
  : [0, 1_000_000].flatMap((archived) => [10, 1000, 10_000].map((instances) => ({ instances, archived })));
const say = (text: string) => process.stderr.write(`${text}\n`);
const labelOf = ({ instances, archived }: Size) => `${instances} instances, ${archived} archived jobs`;

interface Measured {
  size: Size;
  program: Program;
  startMs: number[];
  rounds: Figures[];
}

/** The median of each figure, and how far its rounds lie apart (the whole range, in parts of the median). */
function summary(all: readonly Figures[]): Record<string, { median: number; spread: number }> {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = all.map((figures) => figures[name] ?? Number.NaN);
      const middle = median(values);
      return [name, { median: round(middle), spread: round((part(values, 1) - part(values, 0)) / middle) }];
    }),
  );
}

async function delays(count: number): Promise<number> {
  const cluster = await TestCluster.start(['node1']);
  const times: number[] = [];
  for (let number = 0; number < count; number++) {
    const begin = performance.now();
    await cluster.done({ OP_ID: 'OP_TEST_DELAY', duration: 0 });
    times.push(performance.now() - begin);
  }
  await cluster.close();
  return median(times);
}

const programs = new Programs();
process.stderr.on('error', () => process.kill(process.pid, 'SIGTERM')); // nobody reads any more
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => void programs.close().finally(() => process.exit(1)));
try {
  const folder = await programs.folder();
  const cluster = await clusterFile(folder);
  const servers: Measured[] = [];
  const start = async (dir: string): Promise<[program: Program, ms: number]> => {
    const begin = performance.now();
    const program = await programs.up({ dir, cluster, ssl: true });
    return [program, performance.now() - begin];
  };
  for (const [number, size] of sizes.entries()) {
    say(`making a cluster of ${labelOf(size)}`);
    const dir = join(folder, `state${number}`);
    await (await start(dir))[0].stop();
    await seed(dir, size);
    const startMs: number[] = [];
    let program: Program;
    for (let left = isQuick ? 1 : 3; ; left--) {
      const [started, ms] = await start(dir);
      program = started;
      startMs.push(ms);
      if (left === 1) break;
      await program.stop();
    }
    servers.push({ size, program, startMs, rounds: [] });
  }
  const machine: Awaited<ReturnType<typeof limits>>[] = [];
  for (let number = 0; number < rounds; number++) {
    say(`round ${number + 1} of ${rounds}: the machine`);
    machine.push(await limits(amount.requests));
    for (const server of servers) {
      say(`round ${number + 1} of ${rounds}: ${labelOf(server.size)}`);
      server.rounds.push(await measure(server.program, amount));
    }
  }
  const results = [];
  for (const { size, program, startMs, rounds } of servers)
    results.push({
      ...size,
      startMs: round(median(startMs)),
      memoryMiB: round(await memoryOf(program)),
      ...summary(rounds),
    });
  say('many jobs that wait');
  const behind = servers[1] ?? servers[0];
  const queue: Figures = {};
  if (behind) {
    Object.assign(queue, await submitBehind(behind.program.url, isQuick ? 500 : 100_000));
    await behind.program.stop();
    const [again, ms] = await start(behind.program.dir);
    Object.assign(queue, { 'start ms': ms, 'memory MiB': await memoryOf(again) });
  }
  const limit = (pick: (one: (typeof machine)[number]) => number | undefined) =>
    round(median(machine.map((one) => pick(one) ?? Number.NaN)));
  const document = {
    rounds,
    node: process.version,
    machine: {
      'bare node:https': {
        'version per s': limit((m) => m.node?.version),
        'info per s': limit((m) => m.node?.info),
      },
      'bare koa': { 'version per s': limit((m) => m.koa?.version), 'info per s': limit((m) => m.koa?.info) },
      'SQLite commits per s': limit((m) => m.commitsPerSecond),
    },
    servers: results,
    waitingJobs: Object.fromEntries(Object.entries(queue).map(([name, value]) => [name, round(value)])),
    'OP_TEST_DELAY 0 through the manager, ms': round(await delays(amount.jobs)),
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
} finally {
  await programs.close();
}
