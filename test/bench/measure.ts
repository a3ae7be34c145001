import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../helpers/program.ts';
import { Load, median, part } from './load.ts';

/** How much is done for each figure. */
export interface Amount {
  readonly requests: number;
  readonly jobs: number;
  readonly burst: number;
}

/** How often the listing of all instances is asked for. */
const LISTINGS = 15;

export type Figures = Record<string, number>;

interface ShownJob {
  status: string;
  received_ts: [number, number];
  start_ts: [number, number];
}

const isOver = (status: string) => ['success', 'error', 'canceled'].includes(status);

/** Submits a job and waits for its end, as clients do: by /2/jobs/N/wait. Answers the milliseconds of both. */
async function oneJob(load: Load, number: number): Promise<{ submit: number; done: number; queued: number }> {
  const begin = performance.now();
  const path = `/2/tags?tag=bench-${number >> 1}`;
  const id = Number(await load.ask(number % 2 === 0 ? 'PUT' : 'DELETE', path));
  const submit = performance.now() - begin;
  let known: unknown[] | null = null;
  for (;;) {
    const text = await load.ask('GET', `/2/jobs/${id}/wait`, {
      fields: ['status'],
      previous_job_info: known,
    });
    const change = JSON.parse(text) as { job_info: unknown[] } | null;
    known = change?.job_info ?? known;
    if (known && isOver(String(known[0]))) break;
  }
  const done = performance.now() - begin;
  const job = JSON.parse(await load.ask('GET', `/2/jobs/${id}`)) as ShownJob;
  const seconds = ([whole, micro]: [number, number]) => whole + micro / 1e6;
  return { submit, done, queued: (seconds(job.start_ts) - seconds(job.received_ts)) * 1000 };
}

/** Milliseconds of CPU that a program has used so far, without its children: exact to 10 ms, and hardly disturbed by other programs. */
async function cpuOf({ child }: Program): Promise<number> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14);
  return (Number(user) + Number(system)) * MS_PER_TICK;
}

/** Linux shows times of processes in ticks of this length on every machine (USER_HZ). */
const MS_PER_TICK = 10;

/** One round of all figures of a running server. */
export async function measure(program: Program, amount: Amount): Promise<Figures> {
  const load = new Load(program.url, 64);
  /** Does something so many times, and sets the CPU of the server for each time in microseconds. */
  const withCpu = async <T>(name: string, times: number, run: () => Promise<T>): Promise<T> => {
    const before = await cpuOf(program);
    const result = await run();
    figures[name] = ((await cpuOf(program)) - before) * (1000 / times);
    return result;
  };
  const figures: Figures = {};
  try {
    const get = (path: string) => () => load.ask('GET', path);
    const version = await load.latencies(amount.jobs, get('/version'));
    const info = await load.latencies(amount.jobs, get('/2/info'));
    figures['version ms'] = median(version);
    figures['info ms'] = median(info);
    for (const path of ['version', 'info'])
      figures[`${path} per s`] = await withCpu(`${path} CPU µs`, amount.requests, () =>
        load.rate(amount.requests, 16, get(path === 'info' ? '/2/info' : '/version')),
      );
    const bulk = () => load.latencies(LISTINGS, get('/2/instances?bulk=1'));
    figures['instances bulk ms'] = median(await withCpu('instances bulk CPU µs', LISTINGS, bulk));
    const jobs: { submit: number; done: number; queued: number }[] = [];
    for (let number = 0; number < amount.jobs; number++) jobs.push(await oneJob(load, number));
    figures['submit ms'] = median(jobs.map(({ submit }) => submit));
    figures['job done ms'] = median(jobs.map(({ done }) => done));
    figures['job done p95 ms'] = part(
      jobs.map(({ done }) => done),
      0.95,
    );
    figures['queued to running ms'] = median(jobs.map(({ queued }) => queued));
    await withCpu('job of a burst CPU µs', amount.burst, async () => {
      const begin = performance.now();
      figures['submits per s'] = await load.rate(amount.burst, 64, (number) =>
        load.ask(number % 2 === 0 ? 'PUT' : 'DELETE', `/2/tags?tag=burst-${(number >> 1) % 100}`),
      );
      await idle(load);
      figures['jobs per s'] = (amount.burst * 1000) / (performance.now() - begin);
    });
    await load.ask('PUT', '/2/queue/archive'); // so that each round finds the same
    return figures;
  } finally {
    load.close();
  }
}

async function idle(load: Load): Promise<void> {
  for (;;) {
    const { unfinished } = JSON.parse(await load.ask('GET', '/2/queue')) as { unfinished: number };
    if (unfinished === 0) return;
    await sleep(10);
  }
}

/** How long a submission takes when very many jobs wait. */
export async function submitBehind(url: string, waiting: number): Promise<Figures> {
  const load = new Load(url, 64);
  try {
    await load.ask('POST', '/2/filters', { priority: 1, predicates: [], action: 'PAUSE' });
    const put = (number: number) => load.ask('PUT', `/2/tags?tag=waits-${number % 100}`);
    const rate = await load.rate(waiting, 64, put);
    const times = await load.latencies(200, put);
    return { waiting, 'submits per s': rate, 'submit ms': median(times), 'submit p95 ms': part(times, 0.95) };
  } finally {
    load.close();
  }
}

/** MiB of memory that a program has now. */
export async function memoryOf({ child }: Program): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}
