// The files of a cluster's state folder. Every file of the folder must be known here: `isOfState` decides whose permissions are checked.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';

/** Paths in a cluster's state folder. */
export interface Layout {
  dir: string;
  database: string;
  /** The cluster's own certificate authority, and the identities that it signed for the master. */
  certificates: string;
  secretKey: string;
  /** The secret that is shared by clusters which exchange instances. */
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
  /** The data of simulated storage that several nodes share. */
  volumes: string;
  /** Identifies the process that runs the nodes of this machine. */
  workerProcess: string;
  logs: string;
}

/** The paths in the state folder `dir`, which should be absolute. */
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

/** Names in a state folder that `Layout` does not have: files of SQLite, the lock, storage folders, and folders of a restore. */
const otherNames =
  /^(cluster\.db(-wal|-shm|\.new)?|lock|file-storage|shared-file-storage|restore\.tmp|restoring|before-restore-.*|.*\.tmp)$/;

/**
 * Whether a name in a state folder belongs to the cluster. All such files are accessible to their owner only (0700 and 0600, whatever
 * the umask), so nothing that another user needs may be there: QEMU, scripts and hooks run as the worker's user. Sockets of guests
 * whose paths would be too long are in /run/merapi (0700).
 */
export function isOfState(layout: Layout, name: string): boolean {
  return otherNames.test(name) || Object.values(layout).some((path) => topOf(layout, path) === name);
}

function topOf({ dir }: Layout, path: unknown): string | null {
  return typeof path === 'string' && path.startsWith(`${dir}/`)
    ? (path.slice(dir.length + 1).split('/')[0] ?? null)
    : null;
}

/** In a node's folder: the settings that `merapi node` reads. */
export const NODE_SETTINGS = 'node.json';
/** In a node's folder: the address of its worker, while it runs. */
export const ENDPOINT = 'endpoint';
/** In a node's folder: the stem of the names of its certificate and key. */
export const NODE_IDENTITY = 'node';
/** The stem of the names of the first authority's certificate and key, and of the certificates that a node trusts. */
export const AUTHORITY = 'ca';

/** The names of the nodes that have a folder on this machine, sorted. */
export async function localNodes(layout: Layout): Promise<string[]> {
  try {
    return (await readdir(layout.nodes)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The error for a state folder without a cluster. */
export function noCluster({ dir }: Layout): MerapiError {
  return new MerapiError(
    'configuration',
    `${dir} contains no cluster; create one with 'merapi init' or 'merapi up'`,
  );
}
