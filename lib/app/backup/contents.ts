import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../../base/files.ts';
import { authorityFiles, isAuthorityFile } from '../authorities.ts';
import { AUTHORITY, type Layout, NODE_IDENTITY, NODE_SETTINGS } from '../layout.ts';

/** The store itself; nothing is a backup without it. */
export const STORE = 'cluster.db';

/** The folder of a state that holds the certificates of master, API and authorities. */
export const CERTIFICATES = 'certificates';

/** What of a state folder makes the cluster, besides the folders of nodes and further authorities. */
export const stateFiles: readonly string[] = [
  STORE,
  'secret.key',
  'cluster-domain-secret',
  'admin-password',
  'rapi/users',
  ...[AUTHORITY, 'master', 'rapi'].flatMap((name) => [
    `${CERTIFICATES}/${name}.pem`,
    `${CERTIFICATES}/${name}.key`,
  ]),
];

/** What SQLite keeps beside the store while it is open; it goes with the store that it belongs to. */
export const storeCompanions: readonly string[] = [`${STORE}-wal`, `${STORE}-shm`];

/** What a node of this machine is told and shows; its data, journal and guests are no part of a backup. */
const nodeFiles = [NODE_SETTINGS, `${NODE_IDENTITY}.pem`, `${NODE_IDENTITY}.key`, `${AUTHORITY}.pem`];

/** Whether a backup may hold a file of this name, relative to the state folder. */
export function isOfBackup(name: string): boolean {
  if (stateFiles.includes(name)) return true;
  const [folder, node = '', file = '', ...rest] = name.split('/');
  if (folder === CERTIFICATES && isAuthorityFile(node)) return file === '';
  return folder === 'nodes' && !/^\.{0,2}$/.test(node) && nodeFiles.includes(file) && rest.length === 0;
}

/** The names of all files of a state folder that a backup holds, the store first. */
export async function filesOfBackup(layout: Layout): Promise<string[]> {
  const nodes = await readdir(layout.nodes).catch(() => [] as string[]);
  const authorities = await authorityFiles(layout.certificates);
  const names = [
    ...new Set([...stateFiles, ...authorities.map((file) => `${CERTIFICATES}/${file}`)]),
    ...nodes.sort().flatMap((node) => nodeFiles.map((file) => `nodes/${node}/${file}`)),
  ];
  const there = await Promise.all(names.map((name) => exists(join(layout.dir, name))));
  return names.filter((_, index) => there[index]);
}
