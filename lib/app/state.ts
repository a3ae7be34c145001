// Prepares files of a state folder: folders and certificates of local nodes, and the users file.

import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveUsers, withUser } from '../access/users-edit.ts';
import { MerapiError } from '../base/errors.ts';
import { exists, readFileOrNull, writeFileDurably } from '../base/files.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import { isSimulated } from '../node/hypervisors/registry.ts';
import { type Authorities, openAuthorities } from './authorities.ts';
import { equipNode } from './certificates.ts';
import { type Layout, localNodes, NODE_SETTINGS } from './layout.ts';
import { saveNodeSettings } from './node.ts';

const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A random password of 20 letters and digits that cannot be mistaken for each other (about 115 bits). */
function makePassword(): string {
  return Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/** Makes the folders, certificates and settings of these nodes of a cluster file, and the cluster's storage folders. */
export async function prepareNodes(
  layout: Layout,
  nodes: ClusterSpec['nodes'],
  spec: ClusterSpec,
): Promise<void> {
  const authorities = await openAuthorities(layout);
  const simulates = spec.enabled_hypervisors.some(isSimulated);
  for (const { name } of nodes) {
    await equipNode(layout, name, authorities);
    const storage = [spec.file_storage_dir, spec.shared_file_storage_dir];
    await saveNodeSettings(layout.nodeFolder(name), {
      name,
      hypervisors: spec.enabled_hypervisors,
      listen: { host: '127.0.0.1', port: 0 },
      storage,
      // Simulated nodes on one machine have the same storage path in the cluster, but each needs a real folder of its own.
      paths: simulates
        ? [{ from: spec.file_storage_dir, to: join(layout.nodeFolder(name), 'file-storage') }]
        : [],
      ...(simulates ? { common: layout.volumes } : {}),
    });
  }
  await mkdir(spec.shared_file_storage_dir, { recursive: true, mode: 0o700 });
  if (!simulates) await mkdir(spec.file_storage_dir, { recursive: true, mode: 0o700 });
}

/** Renews certificates of the nodes on this machine that are due, in their folders. Running workers get theirs by a call as well. */
export async function renewNodes(layout: Layout, authorities: Authorities): Promise<void> {
  for (const name of await localNodes(layout))
    if (await exists(join(layout.nodeFolder(name), NODE_SETTINGS)))
      await equipNode(layout, name, authorities);
}

/** Makes the users file of a state folder when it is missing: with a user `admin`, whose password is written to `adminPassword`. */
export async function ensureUsers(layout: Layout): Promise<void> {
  if ((await readFileOrNull(layout.users)) !== null) return;
  const password = makePassword();
  await writeFileDurably(layout.adminPassword, `${password}\n`, 0o600);
  await mkdir(join(layout.users, '..'), { recursive: true, mode: 0o700 });
  await saveUsers(layout.users, withUser('# See rapi-users.example.\n', 'admin', password, ['write']));
}

/** @throws MerapiError configuration when the cluster file describes another cluster than the one in the state folder */
export function checkSameCluster(spec: ClusterSpec, name: string, dir: string): void {
  if (spec.name !== name)
    throw new MerapiError(
      'configuration',
      `${dir} contains the cluster ${name}; the cluster file describes ${spec.name}`,
    );
}
