import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import Database from 'better-sqlite3';
import { layoutOf } from '../../lib/app/layout.ts';
import { type Json, stringifyJson } from '../../lib/base/json.ts';
import type { Client } from '../helpers/client.ts';
import type { Rig } from './rig.ts';
import type {
  DataFile,
  EndState,
  MirrorState,
  NodeState,
  Shown,
  StoredJobRow,
  StoredObjects,
  StoredOp,
} from './state.ts';

const MIB = 1024 * 1024;

/** What is stored and what is on disk: what another life of the master must not change. */
export type Truth = Pick<
  EndState,
  'jobs' | 'steps' | 'secrets' | 'duties' | 'objects' | 'nodes' | 'shared' | 'mirrors' | 'debris'
>;

/** Reads everything but what the API says. */
export async function collectTruth(rig: Rig): Promise<Truth> {
  const nodes: Record<string, NodeState> = {};
  for (const { name, folder } of rig.hosts) nodes[name] = await nodeState(folder);
  return {
    ...readStore(rig.state),
    nodes,
    shared: await dataFiles(rig.shared),
    mirrors: await mirrorsIn(join(rig.common, 'drbd')),
    debris: [...(await debrisIn(rig.shared)), ...(await debrisIn(rig.common))],
  };
}

function readStore(state: string): Pick<Truth, 'jobs' | 'steps' | 'secrets' | 'duties' | 'objects'> {
  const database = new Database(layoutOf(state).database, { readonly: true });
  try {
    const all = <T>(sql: string) => database.prepare(sql).all() as T[];
    const logs = all<{ job: number; op: number; text: string }>(
      'SELECT job, op, text FROM job_log ORDER BY job, serial',
    );
    const ops = all<Record<string, string | number | null>>('SELECT * FROM job_ops ORDER BY job, op');
    const jobs = all<Omit<StoredJobRow, 'ops' | 'shown'>>('SELECT * FROM jobs ORDER BY id').map(
      ({ id, status, received, start, end }): StoredJobRow => ({
        ...{ id, status, received, start, end, shown: null },
        ops: ops
          .filter((row) => row.job === id)
          .map(
            (row): StoredOp => ({
              input: JSON.parse(String(row.input)),
              resolved: JSON.parse(String(row.resolved)),
              status: row.status as StoredOp['status'],
              result: JSON.parse(String(row.result)),
              start: row.start as number | null,
              exec: row.exec as number | null,
              end: row.end as number | null,
              locks: row.locks as string | null,
              undo: row.undo as string | null,
              log: logs.filter((line) => line.job === id && line.op === row.op).map(({ text }) => text),
            }),
          ),
      }),
    );
    const objects = all<{ kind: string; body: string }>('SELECT kind, body FROM objects ORDER BY kind, uuid');
    return {
      jobs,
      steps: all<{ job: number }>('SELECT DISTINCT job FROM job_steps').map(({ job }) => job),
      secrets: all<{ job: number }>('SELECT DISTINCT job FROM job_secrets').map(({ job }) => job),
      duties: all<{ body: string }>('SELECT body FROM duties').map(({ body }) => {
        const { name, job, last_error } = JSON.parse(body) as Record<string, unknown>;
        return `${name} (job ${job}): ${last_error}`;
      }),
      objects: objectsOf(objects),
    };
  } finally {
    database.close();
  }
}

function objectsOf(rows: readonly { kind: string; body: string }[]): StoredObjects {
  const of = <T>(wanted: string) =>
    rows.filter(({ kind }) => kind === wanted).map(({ body }) => JSON.parse(body) as T);
  const [cluster] = of<StoredObjects['cluster']>('cluster');
  if (!cluster) throw new Error('The store holds no cluster');
  return {
    cluster,
    instances: of('instance'),
    disks: of('disk'),
    nodes: of('node'),
    groups: of('nodegroup'),
    networks: of('network'),
  };
}

async function nodeState(folder: string): Promise<NodeState> {
  const guests: NodeState['guests'] = [];
  for (const file of await namesIn(join(folder, 'guests')))
    if (file.endsWith('.json')) guests.push(JSON.parse(await readFile(join(folder, 'guests', file), 'utf8')));
  const exported = await namesIn(join(folder, 'export'));
  const exports: Record<string, string[]> = {};
  for (const name of exported.filter((each) => !each.startsWith('.')))
    exports[name] = await namesIn(join(folder, 'export', name));
  return {
    guests,
    files: await dataFiles(join(folder, 'file-storage')),
    volumes: await dataFiles(join(folder, 'volumes', 'plain')),
    exports,
    hidden: exported.filter((name) => name.startsWith('.')),
    scripts: await namesIn(join(folder, 'scripts')),
    debris: await debrisIn(folder),
  };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The files of disks below a folder; one that holds none of them stands for itself, with the size -1. */
async function dataFiles(root: string): Promise<DataFile[]> {
  const found: DataFile[] = [];
  for (const name of await namesIn(root)) {
    const folder = join(root, name);
    const names = (await namesIn(folder)).filter((each) => !isDebris(each));
    for (const each of names) {
      const { size, mtimeMs } = await stat(join(folder, each));
      found.push({ path: join(name, each), size: size / MIB, time: mtimeMs / 1000 });
    }
    const { mtimeMs } = await stat(folder);
    if (names.length === 0) found.push({ path: name, size: -1, time: mtimeMs / 1000 });
  }
  return found;
}

async function mirrorsIn(root: string): Promise<Record<string, MirrorState>> {
  const mirrors: Record<string, MirrorState> = {};
  for (const uuid of await namesIn(root)) {
    const { mtimeMs } = await stat(join(root, uuid));
    const mirror: MirrorState = { data: null, time: mtimeMs / 1000, sides: {} };
    for (const name of await namesIn(join(root, uuid))) {
      const path = join(root, uuid, name);
      if (name === 'data') mirror.data = (await stat(path)).size / MIB;
      else if (name.endsWith('.json'))
        mirror.sides[name.slice(0, -5)] = JSON.parse(await readFile(path, 'utf8'));
    }
    mirrors[uuid] = mirror;
  }
  return mirrors;
}

const isDebris = (name: string) => name.endsWith('.tmp');

async function debrisIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && isDebris(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Reads what the API says. */
export async function collectShown(client: Client): Promise<Shown> {
  const rows = async (what: string, fields: string[]): Promise<unknown[][]> => {
    const { data } = await client.get<{ data: [number, unknown][][] }>(
      `/2/query/${what}?fields=${fields.join(',')}`,
    );
    return data.map((row) => row.map(([, value]) => value));
  };
  const instances = await rows('instance', ['name', 'status', 'pnode', 'admin_state', 'disk.sizes']);
  const networks = await rows('network', ['name', 'free_count', 'reserved_count', 'map']);
  const locks = await rows('lock', ['name', 'owner', 'pending']);
  return {
    instances: instances.map(([name, status, pnode, admin_state, sizes]) => ({
      ...{ name, status, pnode, admin_state, sizes },
    })) as Shown['instances'],
    networks: networks.map(([name, free_count, reserved_count, map]) => ({
      ...{ name, free_count, reserved_count, map },
    })) as Shown['networks'],
    locks: locks.map(([name, owner, pending]) => ({ name, owner, pending })) as Shown['locks'],
  };
}

/** Adds what the API says of each job. */
export async function showJobs(client: Client, jobs: readonly StoredJobRow[]): Promise<void> {
  for (const job of jobs) {
    const answer = await client.ask('GET', `/2/jobs/${job.id}`);
    const body = plain<NonNullable<StoredJobRow['shown']>>(answer.body);
    const { status, opstatus, opresult } = body;
    job.shown = answer.status === 200 ? { status, opstatus, opresult } : null;
  }
}

/** An answer without the numbers that only lossless JSON has. */
export function plain<T>(body: Json): T {
  return JSON.parse(stringifyJson(body)) as T;
}

/** Where two states differ, in words. */
export function differencesOf(before: unknown, after: unknown, path = ''): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const both = [before, after].every((value) => typeof value === 'object' && value !== null);
  if (!both) return [`${path}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
  const [one, other] = [before, after] as [Record<string, unknown>, Record<string, unknown>];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.flatMap((key) => differencesOf(one[key], other[key], `${path}/${key}`));
}
