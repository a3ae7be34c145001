// Which files of a state folder belong to a backup: the store, secrets, certificates and users, and of local nodes what identifies them.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { authorityFiles, isAuthorityFile } from '../app/authorities.ts';
import { AUTHORITY, type Layout, NODE_IDENTITY, NODE_SETTINGS } from '../app/layout.ts';
import { CERTIFICATES, stateFiles } from '../app/state-files.ts';
import { exists } from '../base/files.ts';

/** The settings and certificates of a node on this machine; its data, journal and guests are not part of a backup. */
const nodeFiles = [NODE_SETTINGS, `${NODE_IDENTITY}.pem`, `${NODE_IDENTITY}.key`, `${AUTHORITY}.pem`];

/** Whether a backup may contain a file of this name, relative to the state folder. */
export function isOfBackup(name: string): boolean {
  if (stateFiles.includes(name)) return true;
  const [folder, node = '', file = '', ...rest] = name.split('/');
  if (folder === CERTIFICATES && isAuthorityFile(node)) return file === '';
  return folder === 'nodes' && !/^\.{0,2}$/.test(node) && nodeFiles.includes(file) && rest.length === 0;
}

/** The names of the files in a state folder that belong to a backup, the store first. */
export async function filesOfBackup(layout: Layout): Promise<string[]> {
  const nodes = await readdir(layout.nodes).catch(() => [] as string[]);
  const authorities = await authorityFiles(layout.certificates);
  const names = [
    ...new Set([...stateFiles, ...authorities.map((file) => `${CERTIFICATES}/${file}`)]),
    ...nodes.sort().flatMap((node) => nodeFiles.map((file) => `nodes/${node}/${file}`)),
  ];
  const existing = await Promise.all(names.map((name) => exists(join(layout.dir, name))));
  return names.filter((_, index) => existing[index]);
}
