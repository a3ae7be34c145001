import type Database from 'better-sqlite3';
import type * as z from 'zod';
import { errorText } from '../../../base/errors.ts';
import { type Json, parseJson } from '../../../base/json.ts';
import { faultTexts } from '../../../base/schema-words.ts';
import { Cluster } from '../../../model/cluster.ts';
import { Disk } from '../../../model/disk.ts';
import { Duty } from '../../../model/duty.ts';
import { JobFilter } from '../../../model/filter.ts';
import { Instance } from '../../../model/instance.ts';
import { Network } from '../../../model/network.ts';
import { Node } from '../../../model/node.ts';
import { NodeGroup } from '../../../model/nodegroup.ts';
import type { ObjectKind, Objects } from '../../changes.ts';
import type { Findings } from './problem.ts';

const schemas: { readonly [K in ObjectKind]: z.ZodType<Objects[K]> } = {
  cluster: Cluster,
  node: Node,
  nodegroup: NodeGroup,
  instance: Instance,
  disk: Disk,
  network: Network,
  filter: JobFilter,
  duty: Duty,
};

/** The names of the kinds for people. */
export const kindNames: Readonly<Record<ObjectKind, string>> = {
  cluster: 'cluster',
  node: 'node',
  nodegroup: 'node group',
  instance: 'instance',
  disk: 'disk',
  network: 'network',
  filter: 'job filter',
  duty: 'duty',
};

/** The objects that are valid in themselves, by kind and uuid. */
export type SoundObjects = { [K in ObjectKind]: Map<string, Objects[K]> };

/** Reads every object; reports those that their schema refuses, or that are stored under another uuid than theirs. */
export function readObjects(database: Database.Database, findings: Findings): SoundObjects {
  const sound: SoundObjects = {
    cluster: new Map(),
    node: new Map(),
    nodegroup: new Map(),
    instance: new Map(),
    disk: new Map(),
    network: new Map(),
    filter: new Map(),
    duty: new Map(),
  };
  findings.during('the table objects', () => {
    const rows = database.prepare('SELECT kind, uuid, body FROM objects').iterate();
    for (const row of rows as Iterable<Record<'kind' | 'uuid' | 'body', unknown>>) {
      const [kind, uuid] = [String(row.kind), String(row.uuid)];
      if (isKind(kind) && kind !== 'duty') take(sound, kind, uuid, String(row.body), findings);
      else findings.add('object', `object ${uuid}`, `has the unknown kind '${kind}'`);
    }
  });
  findings.during('the table duties', () => {
    const rows = database.prepare('SELECT uuid, body FROM duties').iterate();
    for (const row of rows as Iterable<Record<'uuid' | 'body', unknown>>)
      take(sound, 'duty', String(row.uuid), String(row.body), findings);
  });
  return sound;
}

function isKind(kind: string): kind is ObjectKind {
  return Object.hasOwn(schemas, kind);
}

function take<K extends ObjectKind>(
  sound: SoundObjects,
  kind: K,
  uuid: string,
  body: string,
  findings: Findings,
): void {
  const read = readObject(kind, body);
  const about = `${kindNames[kind]} ${read.name ?? uuid}`;
  for (const text of read.wrong) findings.add('object', about, text);
  if (!read.object) return;
  if (read.object.uuid !== uuid)
    findings.add('object', about, `is stored under ${uuid}, but its uuid is ${read.object.uuid}`);
  else sound[kind].set(uuid, read.object);
}

interface ReadObject<T> {
  /** The name of the stored object; null if it cannot be read. */
  name: string | null;
  /** What is wrong with it. */
  wrong: string[];
  /** Null when the schema refuses it. */
  object: T | null;
}

function readObject<K extends ObjectKind>(kind: K, body: string): ReadObject<Objects[K]> {
  let raw: Json;
  try {
    raw = parseJson(body);
  } catch (error) {
    return { name: null, wrong: [`cannot be read: ${errorText(error)}`], object: null };
  }
  const isObject = raw !== null && typeof raw === 'object' && !Array.isArray(raw);
  const stored = isObject ? (raw as { [key: string]: Json }) : {};
  const name = typeof stored.name === 'string' ? stored.name : null;
  const parsed = schemas[kind].safeParse(raw);
  if (!parsed.success) {
    return { name, wrong: faultTexts(schemas[kind], parsed.error.issues, raw), object: null };
  }
  // The schema fills in defaults for missing fields, but the master reads objects without it, so they must be stored.
  const missing = Object.entries(parsed.data).filter(
    ([key, value]) => value !== undefined && !Object.hasOwn(stored, key),
  );
  return { name, wrong: missing.map(([key]) => `lacks ${key}`), object: parsed.data };
}
