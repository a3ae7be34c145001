import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../helpers/random.ts';
import { type CheckReport, checkAll } from './checks/index.ts';
import { ChaosClient } from './clients.ts';
import { collectShown, collectTruth, differencesOf, showJobs, type Truth } from './collect.ts';
import { Faults, nextFault } from './faults.ts';
import { type OwnEnd, Rig } from './rig.ts';
import type { SmallDisk } from './small-disk.ts';
import type { EndState, Note } from './state.ts';

const CLIENTS = 5;
/** The mean pause between two faults, in milliseconds. */
const FAULT_PAUSE = 700;
/** Milliseconds that all jobs have to end, once no faults happen any more. */
const LIMIT = 180_000;
/** Milliseconds after a full disk within which the master may still end because of it. */
const AFTER_FULL = 5_000;

export interface ChaosOptions {
  seed: string;
  /** Milliseconds of workload. */
  time: number;
  nodes: number;
  /** An empty folder for everything. */
  folder: string;
  /** What the master's folder is on, if it can be filled. */
  disk: SmallDisk | null;
  /** Told how far it is. */
  tell: (line: string) => void;
  /** Ends the workload early. */
  signal?: AbortSignal;
}

/** What came of a run. */
export interface ChaosReport extends CheckReport {
  seed: string;
  seconds: number;
  kills: number;
  faults: Record<string, number>;
  requests: { acknowledged: number; refused: number; unknown: number };
  jobs: { success: number; error: number; canceled: number };
  /** How often the master ended by itself because the disk was full. */
  endsOfFullDisk: number;
}

/** Runs a cluster with faults, lets it come to rest, and checks it. */
export async function runChaos(options: ChaosOptions): Promise<{ report: ChaosReport; state: EndState }> {
  const { tell, time, nodes, folder, disk, signal } = options;
  const random = new Random(options.seed);
  const rig = await Rig.start(folder, nodes);
  const began = Date.now();
  try {
    const isOver = () => Date.now() - began >= time || signal?.aborted === true;
    const clients = Array.from(
      { length: CLIENTS },
      (_, number) => new ChaosClient(rig, number + 1, random.fork(`client${number + 1}`), isOver),
    );
    const faults = new Faults(rig, disk);
    tell(`the cluster runs in ${folder}; seed ${options.seed}`);
    await Promise.all([
      ...clients.map((client) => client.work()),
      spoil(faults, random.fork('faults'), nodes, isOver),
    ]);
    tell('no more faults; waiting for the jobs to end');
    await faults.end();
    await rig.startAll();
    const late = await jobsEnd(rig);
    const notes = clients.flatMap((client) => client.notes);
    const state = await endState(rig, { notes, cancels: clients.flatMap((client) => client.cancels), late });
    const isExplained = (end: OwnEnd) =>
      end.name === 'master' &&
      faults.full.some(({ from, to }) => end.time >= from && end.time <= to + AFTER_FULL);
    state.ownEnds = rig.ownEnds.filter((end) => !isExplained(end));
    const kills = (faults.counts['kill master'] ?? 0) + (faults.counts['kill worker'] ?? 0);
    const report: ChaosReport = {
      seed: options.seed,
      seconds: Math.round((Date.now() - began) / 1000),
      kills: kills + (faults.counts['long outage of a worker'] ?? 0),
      faults: faults.counts,
      requests: countNotes(notes),
      jobs: countJobs(state),
      endsOfFullDisk: rig.ownEnds.filter(isExplained).length,
      ...checkAll(state),
    };
    return { report, state };
  } finally {
    await rig.close();
  }
}

async function spoil(faults: Faults, random: Random, nodes: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const fault = nextFault(random, nodes, FAULT_PAUSE);
    await sleep(fault.pause);
    if (!isOver()) faults.begin(fault);
  }
}

/** Resolves when all jobs have ended; answers those that have not within the limit. */
async function jobsEnd(rig: Rig): Promise<number[]> {
  for (const deadline = Date.now() + LIMIT; ; await sleep(200)) {
    const client = await rig.client();
    const { data } = await client.get<{ data: [number, unknown][][] }>('/2/query/job?fields=id,status');
    const open = data.filter(([, status]) => !['success', 'error', 'canceled'].includes(String(status?.[1])));
    if (open.length === 0) return [];
    if (Date.now() > deadline) return open.map(([id]) => Number(id?.[1]));
  }
}

/** Reads everything, then again after another life of the master and the workers. */
async function endState(
  rig: Rig,
  work: Pick<EndState, 'notes' | 'cancels'> & { late: readonly number[] },
): Promise<EndState> {
  const { late, ...noted } = work;
  await factsAreThere(rig);
  await dutiesAreDone(rig);
  const before = await collectTruth(rig);
  const client = await rig.client();
  const shown = await collectShown(client);
  await showJobs(client, before.jobs);
  const state: EndState = {
    ...noted,
    ...before,
    setupJobs: rig.setupJobs,
    shown,
    ownEnds: [],
    differences: [],
  };
  if (late.length === 0) {
    await rig.stop();
    await rig.startAll();
    await jobsEnd(rig);
    await factsAreThere(rig);
    const after = await collectTruth(rig);
    state.differences = differencesOf(lasting(before), lasting(after));
    await rig.stop();
  }
  return state;
}

/** What another life must not change: not what only the API says. */
function lasting(truth: Truth): unknown {
  return { ...truth, jobs: truth.jobs.map(({ shown: _shown, ...job }) => job) };
}

/** Resolves when what jobs left to be done is done, or has not been within the limit. */
async function dutiesAreDone(rig: Rig): Promise<void> {
  for (const deadline = Date.now() + LIMIT; Date.now() < deadline; await sleep(200)) {
    const client = await rig.client();
    if ((await client.get<unknown[]>('/2/duties')).length === 0) return;
  }
}

/** Resolves when all nodes tell their facts. */
async function factsAreThere(rig: Rig): Promise<void> {
  for (const deadline = Date.now() + LIMIT; Date.now() < deadline; await sleep(100)) {
    const client = await rig.client();
    const nodes = await client.get<{ mtotal: number | null }[]>('/2/nodes?bulk=1');
    if (nodes.every(({ mtotal }) => mtotal !== null)) return;
  }
  throw new Error('A node never tells its facts');
}

function countNotes(notes: readonly Note[]): ChaosReport['requests'] {
  const of = (kind: Note['outcome']['kind']) => notes.filter(({ outcome }) => outcome.kind === kind).length;
  return { acknowledged: of('acknowledged'), refused: of('refused'), unknown: of('unknown') };
}

function countJobs({ jobs }: EndState): ChaosReport['jobs'] {
  const of = (wanted: string) => jobs.filter(({ status }) => status === wanted).length;
  return { success: of('success'), error: of('error'), canceled: of('canceled') };
}
