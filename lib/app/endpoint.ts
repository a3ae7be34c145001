// The file in which the worker of a node on this machine writes its address, which the master reads to connect to it.

import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { readStateText, removeStateFile } from '../base/state-file.ts';
import { ENDPOINT } from './layout.ts';

const format = {
  what: 'the address of the worker of a node',
  remedy: 'remove it and restart the worker, which writes it again',
};

/**
 * The address of the worker of a node on this machine, from the file in the node's folder; null when there is no such file.
 * @throws MerapiError configuration, naming the file and the remedy, when it cannot be parsed
 */
export async function readEndpoint(folder: string): Promise<{ host: string; port: number } | null> {
  const path = join(folder, ENDPOINT);
  const text = await readStateText(path, format);
  if (text === null) return null;
  const [, host, port] = /^([^\s/]+) ([0-9]{1,5})\n?$/.exec(text) ?? [];
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65535) return { host, port: Number(port) };
  throw new MerapiError(
    'configuration',
    `${path} (${format.what}) cannot be used: it does not contain an address and a port; ${format.remedy}`,
  );
}

/** Removes the file that a worker left which no longer runs. @throws MerapiError configuration when a folder is in its place */
export function clearEndpoint(folder: string): Promise<void> {
  return removeStateFile(join(folder, ENDPOINT), format);
}
