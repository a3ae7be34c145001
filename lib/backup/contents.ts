import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { authorityFiles, isAuthorityFile } from '../app/authorities.ts';
import { AUTHORITY, type Layout, NODE_IDENTITY, NODE_SETTINGS } from '../app/layout.ts';
import { CERTIFICATES, stateFiles } from '../app/state-files.ts';
import { exists } from '../base/files.ts';

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
