import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { readStateText, removeStateFile } from '../base/state-file.ts';
import { ENDPOINT } from './layout.ts';

const format = {
  what: 'where the worker of a node listens',
  remedy: 'remove it and start the worker again: it writes it again',
};

/**
 * Where the worker of a node on this machine listens, as it wrote into the node's folder; null when none does.
 * @throws MerapiError configuration, naming the file and the remedy, when that cannot be understood
 */
export async function readEndpoint(folder: string): Promise<{ host: string; port: number } | null> {
  const path = join(folder, ENDPOINT);
  const text = await readStateText(path, format);
  if (text === null) return null;
  const [, host, port] = /^([^\s/]+) ([0-9]{1,5})\n?$/.exec(text) ?? [];
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65535) return { host, port: Number(port) };
  throw new MerapiError(
    'configuration',
    `${path} (${format.what}) cannot be used: it does not hold an address and a port; ${format.remedy}`,
  );
}

/** Removes what a worker that does not run any more left. @throws MerapiError configuration when something else is there */
export function clearEndpoint(folder: string): Promise<void> {
  return removeStateFile(join(folder, ENDPOINT), format);
}
