import { randomBytes, randomUUID } from 'node:crypto';
import { basename, dirname, join, normalize } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { Disk } from '../../model/disk.ts';
import type { DiskTemplate } from '../../model/diskparams/index.ts';
import { parseSize, steppedSize } from '../../model/enforce.ts';
import { fillNdParams } from '../../model/fill.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { DrbdId } from '../../model/mirror.ts';
import { givenName } from '../../model/names.ts';
import type { Node } from '../../model/node.ts';
import { newObject } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { checkDeviceNames } from './device-names.ts';

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
  /** The number of the first of these disks; by default 0. */
  first?: number;
}

/** A new disk of a request as it is made, and as a job shows it: its size a number of MiB, rounded up. @throws MerapiError wrong_input */
export function sizedRequest(request: DiskRequest): DiskRequest {
  return request.size === undefined ? request : { ...request, size: steppedSize(request.size) };
}

/** What may be said of a disk, whatever its template is; what a template has no use for is not looked at. */
const known = ['access', 'adopt', 'dev_type', 'metavg', 'mode', 'name', 'provider', 'size', 'spindles', 'vg'];

/**
 * Disks of the template ext may have any parameters, for their provider.
 * @throws MerapiError type_enforcement for a parameter that no disk has
 */
export function checkKnown(request: DiskRequest, template: DiskTemplate | null): void {
  const strange = Object.keys(request).filter((key) => !known.includes(key));
  if (strange.length > 0 && template !== 'ext')
    throw new MerapiError(
      'type_enforcement',
      `Unknown parameter ${strange.join(', ')} of a disk; known are ${known.join(', ')}`,
    );
}

/**
 * Looks whether spindles are asked for where disks share them. `requests` are those of disks with their numbers.
 * @throws MerapiError wrong_input
 */
export function checkSpindles(
  view: ClusterView,
  node: Node,
  requests: Iterable<readonly [number, DiskRequest]>,
): void {
  const place = [...requests].find(([, { spindles }]) => spindles !== undefined)?.[0];
  if (place === undefined) return;
  const group = view.groups.get(node.group);
  if (fillNdParams(view.cluster, group, node.ndparams).exclusive_storage === true) return;
  throw new MerapiError(
    'wrong_input',
    `Disk ${place}: spindles can only be given where each disk has spindles of its own, and node ${node.name} has no exclusive_storage`,
  );
}

const MAX_DISKS = 16;
/** Ganeti's name for a volume group that nobody names. */
const VOLUME_GROUP = 'xenvg';
const BYTES_OF_SECRET = 20;

/** The parameters of a disk that each template takes beside the common ones; `ext` takes any that its provider may want. */
const ownParams: Readonly<Record<DiskTemplate, readonly string[]>> = {
  blockdev: ['adopt'],
  diskless: [],
  drbd: ['metavg', 'vg'],
  ext: ['access', 'provider'],
  file: [],
  gluster: ['access'],
  plain: ['adopt', 'vg'],
  rbd: ['access'],
  sharedfile: [],
};
/** The templates whose disks are files with a driver of their own. */
export const fileBased: readonly DiskTemplate[] = ['file', 'sharedfile', 'gluster'];
const accessModes = ['kernelspace', 'userspace'];

/** The templates that keep real data; nodes of simulated guests simulate the others. */
const realTemplates: readonly DiskTemplate[] = ['diskless', 'file', 'sharedfile'];

/** @throws MerapiError wrong_input when instances of this hypervisor cannot have disks of this template */
export function checkTemplate(template: DiskTemplate, hypervisor: HypervisorName): void {
  if (hypervisor === 'fake' || realTemplates.includes(template)) return;
  throw new MerapiError(
    'wrong_input',
    `Disk template ${template} is only simulated so far, for the hypervisor fake; with ${hypervisor} use ${realTemplates.join(', ')}`,
  );
}

/** @throws MerapiError prerequisite when the cluster does not allow the template */
export function checkEnabled(cluster: Cluster, template: DiskTemplate): void {
  if (!cluster.enabled_disk_templates.includes(template))
    throw new MerapiError('prerequisite', notEnabled(cluster, template));
}

/** The words for a template that the cluster does not allow. */
export function notEnabled({ enabled_disk_templates }: Cluster, template: DiskTemplate): string {
  return `Disk template ${template} is not enabled; enabled are ${enabled_disk_templates.join(', ')}`;
}

/**
 * The disks of an instance that a request describes, of the sizes that it gives (see sizedRequest); of an instance without disks (diskless) none are made. Mirrored ones have no nodes yet (onNodes() gives them), one that is
 * adopted has the size 0 where the request names none.
 * @throws MerapiError wrong_input, resource_not_unique naming the disk and what is wrong with it
 */
export function buildDisks(cluster: Cluster, requests: readonly DiskRequest[], setting: DiskSetting): Disk[] {
  if (setting.template === 'diskless') return [];
  const count = (setting.first ?? 0) + requests.length;
  if (count > MAX_DISKS)
    throw new MerapiError('wrong_input', `An instance has at most ${MAX_DISKS} disks, not ${count}`);
  const disks = requests.map((request, place) =>
    buildDisk(cluster, request, (setting.first ?? 0) + place, setting),
  );
  const names = disks.map(({ name }) => name);
  checkDeviceNames(names, names, 'disk');
  return disks;
}

function buildDisk(cluster: Cluster, request: DiskRequest, index: number, setting: DiskSetting): Disk {
  const refuse = (text: string) => new MerapiError('wrong_input', `Disk ${index}: ${text}`);
  const { template } = setting;
  const { size, mode = 'rw', name, adopt, spindles, access } = request;
  if (adopt !== undefined && !ownParams[template].includes('adopt'))
    throw refuse(`data cannot be adopted with the template ${template}`);
  if (adopt === undefined && template === 'blockdev')
    throw refuse('the template blockdev only adopts devices; name one as adopt');
  if (access !== undefined && !accessModes.includes(String(access)))
    throw refuse(`access must be ${accessModes.join(' or ')}, not '${access}'`);
  if (template === 'ext' && request.provider === undefined) throw refuse('the template ext needs a provider');
  if (size === undefined && adopt === undefined) throw refuse('its size is missing');
  if (mode !== 'rw' && mode !== 'ro') throw refuse(`mode must be rw or ro, not '${mode}'`);
  const mebibytes = size === undefined ? 0 : parseSize(size);
  if (mebibytes < 1 && adopt === undefined) throw refuse('its size must be at least 1 MiB');
  const uuid = randomUUID();
  return {
    ...newObject(uuid, setting.now),
    name: givenName(name),
    dev_type: template,
    logical_id: logicalId(cluster, request, { uuid, index }, setting),
    size: mebibytes,
    mode,
    spindles: spindles === undefined ? null : Number(spindles),
    params: keptParams(template, request),
    instance: setting.instance.uuid,
  };
}

/** What of a request stands neither in the disk's own fields nor in its logical id, as far as the template has a use for it. */
function keptParams(template: DiskTemplate, request: DiskRequest): Record<string, unknown> {
  const elsewhere = ['adopt', 'dev_type', 'mode', 'name', 'provider', 'size', 'spindles'];
  const isOwn = (key: string) =>
    template === 'ext' ? !elsewhere.includes(key) : key !== 'adopt' && ownParams[template].includes(key);
  return Object.fromEntries(Object.entries(request).filter(([key]) => isOwn(key)));
}

/** Where the data of a disk will be, in Ganeti's form for each template; the disk's uuid is part of its name. */
function logicalId(
  cluster: Cluster,
  request: DiskRequest,
  { uuid, index }: { uuid: string; index: number },
  setting: DiskSetting,
): Disk['logical_id'] {
  const { template, fileDriver, instance } = setting;
  switch (template) {
    case 'file':
    case 'sharedfile':
      return [fileDriver, join(folderOf(cluster, setting), `${uuid}.file.disk${index}`)];
    case 'gluster':
      return [fileDriver, `ganeti/${instance.uuid}.${uuid}`];
    case 'plain':
      return [request.vg ?? VOLUME_GROUP, request.adopt ?? `${uuid}.disk${index}`];
    case 'rbd':
      return ['rbd', `${uuid}.rbd.disk${index}`];
    case 'ext':
      return [request.provider ?? '', `${uuid}.ext.disk${index}`];
    case 'blockdev':
      return ['manual', request.adopt ?? ''];
    case 'drbd':
      return ['', '', 0, 0, 0, randomBytes(BYTES_OF_SECRET).toString('hex')] satisfies DrbdId;
    case 'diskless':
      return [];
  }
}

/** The same disks, the mirrored ones between these nodes (uuids); reserveMirrors() then gives them ports and numbers. */
export function onNodes(disks: readonly Disk[], primary: string, secondary: string | null): Disk[] {
  return disks.map((disk) =>
    disk.dev_type === 'drbd' && secondary !== null
      ? { ...disk, logical_id: [primary, secondary, ...disk.logical_id.slice(2)] }
      : disk,
  );
}

/** The same disk; a file is in the folder that is named like the instance, instead of the one where it is. */
export function inFolderOf(instance: string, disk: Disk): Disk {
  const [driver, path, ...rest] = disk.logical_id;
  const isFile = disk.dev_type === 'file' || disk.dev_type === 'sharedfile';
  if (!isFile || typeof path !== 'string' || driver === undefined) return disk;
  const moved = join(dirname(dirname(path)), instance, basename(path));
  return { ...disk, logical_id: [driver, moved, ...rest] };
}

/** The folder of an instance's disk files. @throws MerapiError wrong_input when it would leave the storage folder */
function folderOf(cluster: Cluster, setting: DiskSetting): string {
  const below = setting.fileFolder ?? '';
  if (below.startsWith('/') || normalize(below).startsWith('..'))
    throw new MerapiError(
      'wrong_input',
      `file_storage_dir '${below}' must be a folder below the storage folder`,
    );
  const root = setting.template === 'sharedfile' ? cluster.shared_file_storage_dir : cluster.file_storage_dir;
  return join(root, below, setting.instance.name);
}
