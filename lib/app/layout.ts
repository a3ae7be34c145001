import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';

/** Where things are in a cluster's state folder. */
export interface Layout {
  dir: string;
  database: string;
  /** The cluster's own certificate authority, and the identities that it signed for the master. */
  certificates: string;
  secretKey: string;
  /** What clusters that exchange instances have in common. */
  sharedSecret: string;
  users: string;
  adminPassword: string;
  /** The address of the API, while a master runs. */
  rapiUrl: string;
  /** The certificate of the cluster's own authority. */
  authorityFile: string;
  /** A folder for each node of this machine, by its name. */
  nodes: string;
  nodeFolder(name: string): string;
  /** What simulated storage keeps for several nodes. */
  volumes: string;
  /** Which process runs the nodes of this machine. */
  workerProcess: string;
  logs: string;
}

export function layoutOf(dir: string): Layout {
  const nodes = join(dir, 'nodes');
  return {
    dir,
    database: join(dir, 'cluster.db'),
    certificates: join(dir, 'certificates'),
    secretKey: join(dir, 'secret.key'),
    sharedSecret: join(dir, 'cluster-domain-secret'),
    users: join(dir, 'rapi', 'users'),
    adminPassword: join(dir, 'admin-password'),
    rapiUrl: join(dir, 'rapi', 'url'),
    authorityFile: join(dir, 'certificates', `${AUTHORITY}.pem`),
    nodes,
    nodeFolder: (name) => join(nodes, name),
    volumes: join(dir, 'volumes'),
    workerProcess: join(dir, 'worker.json'),
    logs: join(dir, 'log'),
  };
}

/** What is in a state folder besides what `Layout` names: what SQLite keeps, and what a restore makes. */
const beside =
  /^(cluster\.db(-wal|-shm|\.new)?|lock|file-storage|shared-file-storage|restore\.tmp|restoring|before-restore-.*|.*\.tmp)$/;

/**
 * Whether a name in a state folder is of the cluster. All of that is for its owner only (0700 and 0600, whatever the umask).
 * Nothing that another user must reach lies there; so far that is nothing: QEMU, scripts and hooks run as the worker's user.
 * Sockets of guests whose paths would be too long are in /run/merapi (0700).
 */
export function isOfState(layout: Layout, name: string): boolean {
  return beside.test(name) || Object.values(layout).some((path) => topOf(layout, path) === name);
}

function topOf({ dir }: Layout, path: unknown): string | null {
  return typeof path === 'string' && path.startsWith(`${dir}/`)
    ? (path.slice(dir.length + 1).split('/')[0] ?? null)
    : null;
}

/** The files in a node's folder that `merapi node` reads. */
export const NODE_SETTINGS = 'node.json';
/** Where the node's worker listens, as long as it does. */
export const ENDPOINT = 'endpoint';
export const NODE_IDENTITY = 'node';
export const AUTHORITY = 'ca';

/** The names of the nodes that have a folder on this machine. */
export async function localNodes(layout: Layout): Promise<string[]> {
  try {
    return (await readdir(layout.nodes)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function noCluster({ dir }: Layout): MerapiError {
  return new MerapiError(
    'configuration',
    `${dir} holds no cluster; make one with 'merapi init' or 'merapi up'`,
  );
}
