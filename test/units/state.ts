import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM } from '../../lib/access/principal.ts';
import type { TestCluster } from '../helpers/cluster.ts';

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const NODE_FIELDS = ['name', 'role', 'group', 'pinst_list', 'tags'];
const GROUP_FIELDS = ['name', 'uuid', 'alloc_policy', 'tags'];
const NETWORK_FIELDS = ['name', 'uuid', 'gateway', 'mac_prefix', 'map', 'group_list', 'inst_list', 'tags'];
const INSTANCE_FIELDS = [
  'name',
  'uuid',
  'pnode',
  'snodes',
  'status',
  'admin_state',
  'os',
  'nic.macs',
  'nic.ips',
  'disk.uuids',
  'disk.sizes',
  'beparams',
  'tags',
];

/** All that a job may have changed: the cluster's objects, the guests on the nodes, and the nodes' files. */
export async function stateOf(cluster: TestCluster): Promise<unknown> {
  const { manager } = cluster;
  const read = async (resource: string, fields: string[]) =>
    (await manager.query(SYSTEM, resource, fields, null)).data.map((row) => row.map((cell) => cell[1]));
  const names = manager.names(SYSTEM, 'node').map((node) => node.name);
  const files = await Promise.all(
    names.flatMap((name) =>
      ['file-storage', 'guests', 'volumes', 'export'].map((kind) =>
        filesIn(join(cluster.folder(name), kind)),
      ),
    ),
  );
  return {
    cluster: manager.cluster(SYSTEM).tags,
    nodes: await read('node', NODE_FIELDS),
    groups: await read('group', GROUP_FIELDS),
    networks: await read('network', NETWORK_FIELDS),
    instances: await read('instance', INSTANCE_FIELDS),
    files,
    mirrors: (await filesIn(join(cluster.dir, 'volumes', 'drbd')))
      .map((path) => path.replace(/^[^/]+/, 'UUID'))
      .sort(),
  };
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    // By their ends, and without the chance in them: the names begin with uuids.
    const key = (name: string) => [...name.replace(UUID, 'UUID')].reverse().join('');
    return (await readdir(folder, { recursive: true })).sort((a, b) => (key(a) < key(b) ? -1 : 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A state without what is made by chance, so that two runs of the same job can be compared. */
export function withoutChance(state: unknown): unknown {
  const text = JSON.stringify(state)
    .replace(UUID, 'UUID')
    .replace(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'MAC');
  return JSON.parse(text);
}

/** A state in which it does not matter on which node something is: the parts in no order, the nodes without names. */
export function withoutNodes(state: unknown): unknown {
  return JSON.stringify(state)
    .replace(/node[0-9]/g, 'NODE')
    .split(/[[\]{},]/)
    .filter((part) => !/^("[MC]"|)$/.test(part))
    .sort();
}
