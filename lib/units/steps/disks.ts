import { randomUUID } from 'node:crypto';
import { join, normalize } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { Disk } from '../../model/disk.ts';
import type { DiskTemplate } from '../../model/diskparams/index.ts';
import { parseSize } from '../../model/enforce.ts';
import { newObject } from '../../model/object.ts';

/** A disk as a request describes it. */
export type DiskRequest = Record<string, string | number>;

/** What the disks of one instance have in common. */
export interface DiskSetting {
  instance: { uuid: string; name: string };
  template: DiskTemplate;
  fileDriver: string;
  /** A folder below the cluster's storage folder; null for none. */
  fileFolder: string | null;
  now: number;
}

const MAX_DISKS = 16;
const known = ['access', 'adopt', 'mode', 'name', 'size', 'spindles'];

/** The templates that this version of Merapi can make. */
export const madeTemplates: readonly DiskTemplate[] = ['diskless', 'file'];

/**
 * The disks of a new instance.
 * @throws MerapiError wrong_input naming the disk and what is wrong with it
 */
export function buildDisks(cluster: Cluster, requests: readonly DiskRequest[], setting: DiskSetting): Disk[] {
  if (setting.template === 'diskless' && requests.length > 0)
    throw new MerapiError(
      'wrong_input',
      `An instance without disks (diskless) cannot have ${requests.length} of them`,
    );
  if (requests.length > MAX_DISKS)
    throw new MerapiError(
      'wrong_input',
      `An instance has at most ${MAX_DISKS} disks, not ${requests.length}`,
    );
  return requests.map((request, index) => buildDisk(cluster, request, index, setting));
}

function buildDisk(cluster: Cluster, request: DiskRequest, index: number, setting: DiskSetting): Disk {
  const refuse = (text: string) => new MerapiError('wrong_input', `Disk ${index}: ${text}`);
  const strange = Object.keys(request).filter((key) => !known.includes(key));
  if (strange.length > 0)
    throw refuse(`unknown parameter ${strange.join(', ')}; known are ${known.join(', ')}`);
  const { size, mode = 'rw', name, adopt, spindles, access } = request;
  if (adopt !== undefined) throw refuse(`data cannot be adopted with the template ${setting.template}`);
  if (access !== undefined) throw refuse(`access is no parameter of the template ${setting.template}`);
  if (size === undefined) throw refuse('its size is missing');
  if (mode !== 'rw' && mode !== 'ro') throw refuse(`mode must be rw or ro, not '${mode}'`);
  const mebibytes = parseSize(size);
  if (mebibytes < 1) throw refuse('its size must be at least 1 MiB');
  const uuid = randomUUID();
  return {
    ...newObject(uuid, setting.now),
    name: typeof name === 'string' && name !== 'none' ? name : null,
    dev_type: setting.template,
    logical_id: [setting.fileDriver, join(folderOf(cluster, setting), `${uuid}.file.disk${index}`)],
    size: mebibytes,
    mode,
    spindles: spindles === undefined ? null : Number(spindles),
    params: {},
    instance: setting.instance.uuid,
  };
}

/** The folder of an instance's disk files. @throws MerapiError wrong_input when it would leave the storage folder */
function folderOf(cluster: Cluster, setting: DiskSetting): string {
  const below = setting.fileFolder ?? '';
  if (below.startsWith('/') || normalize(below).startsWith('..'))
    throw new MerapiError(
      'wrong_input',
      `file_storage_dir '${below}' must be a folder below the storage folder`,
    );
  return join(cluster.file_storage_dir, below, setting.instance.name);
}
