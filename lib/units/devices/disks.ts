// New disks from what a request says of them. The order for a unit: checkKnown (names of parameters), sizedRequest (the form that the
// job shows), buildDisks (the objects), onNodes (the nodes of mirrored disks); reserveMirrors() in steps/mirrors.ts then assigns ports
// and minor numbers in a commit.

import { MerapiError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Cluster } from '../../model/cluster.ts';
import { checkDeviceNames } from '../../model/device-names.ts';
import type { Disk } from '../../model/disk.ts';
import { parseSize, steppedSize } from '../../model/enforce.ts';
import { fillNdParams } from '../../model/fill.ts';
import { givenName } from '../../model/names.ts';
import type { Node } from '../../model/node.ts';
import { newObject } from '../../model/object.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';

/** A disk as a request describes it. */
export type DiskRequest = Record<string, string | number>;

/** What all new disks of one instance have in common. */
export interface DiskSetting {
  instance: { uuid: string; name: string };
  template: DiskTemplate;
  fileDriver: string;
  /** A folder below the cluster's storage folder; null for none. */
  fileFolder: string | null;
  now: number;
  random: Random;
  /** The number of the first of these disks; by default 0. */
  first?: number;
}

/** A request for a new disk in the form that the job shows: the size is a number of MiB, rounded up. @throws MerapiError wrong_input */
export function sizedRequest(request: DiskRequest): DiskRequest {
  return request.size === undefined ? request : { ...request, size: steppedSize(request.size) };
}

const takesAny = (template: DiskTemplate | null) => template !== null && templates[template].takes === 'any';

/** Whether disks of a template use a parameter. */
const takes = (template: DiskTemplate, name: string) =>
  takesAny(template) ? name !== 'adopt' : templates[template].takes.includes(name);

/** The parameters that are accepted for disks of any template; those that a template does not use are ignored. */
const known = ['access', 'adopt', 'dev_type', 'metavg', 'mode', 'name', 'provider', 'size', 'spindles', 'vg'];

/**
 * Checks the names of a disk's parameters. With a template whose provider defines the parameters (ext) any name is accepted.
 * @throws MerapiError type_enforcement for a parameter that no disk has
 */
export function checkKnown(request: DiskRequest, template: DiskTemplate | null): void {
  const unknown = Object.keys(request).filter((key) => !known.includes(key));
  if (unknown.length > 0 && !takesAny(template))
    throw new MerapiError(
      'type_enforcement',
      `Unknown parameter ${unknown.join(', ')} of a disk; known are ${known.join(', ')}`,
    );
}

/**
 * Checks that spindles are requested only on a node where each disk has its own (exclusive_storage). `requests` are pairs of the
 * index of a disk and its request.
 * @throws MerapiError wrong_input
 */
export function checkSpindles(
  view: ClusterView,
  node: Node,
  requests: Iterable<readonly [number, DiskRequest]>,
): void {
  const index = [...requests].find(([, { spindles }]) => spindles !== undefined)?.[0];
  if (index === undefined) return;
  const group = view.groups.get(node.group);
  if (fillNdParams(view.cluster, group, node.ndparams).exclusive_storage === true) return;
  throw new MerapiError(
    'wrong_input',
    `Disk ${index}: spindles can only be given for a node with exclusive_storage, which ${node.name} does not have`,
  );
}

const MAX_DISKS = 16;
const accessModes = ['kernelspace', 'userspace'];

/** @throws MerapiError prerequisite when the disk template is not enabled */
export function checkEnabled(cluster: Cluster, template: DiskTemplate): void {
  if (!cluster.enabled_disk_templates.includes(template))
    throw new MerapiError('prerequisite', notEnabled(cluster, template));
}

/** The message for a disk template that is not enabled. */
export function notEnabled({ enabled_disk_templates }: Cluster, template: DiskTemplate): string {
  return `Disk template ${template} is not enabled; enabled are ${enabled_disk_templates.join(', ')}`;
}

/**
 * The new disks that requests describe, with the sizes that these give (see sizedRequest); none for a template without data
 * (diskless). Mirrored disks have no nodes yet (see onNodes); an adopted disk has the size 0 if the request names none.
 * @throws MerapiError wrong_input, resource_not_unique: the message names the disk and what is wrong with it
 */
export function buildDisks(cluster: Cluster, requests: readonly DiskRequest[], setting: DiskSetting): Disk[] {
  if (!templates[setting.template].hasData) return [];
  const count = (setting.first ?? 0) + requests.length;
  if (count > MAX_DISKS)
    throw new MerapiError('wrong_input', `An instance has at most ${MAX_DISKS} disks, not ${count}`);
  const disks = requests.map((request, offset) =>
    buildDisk(cluster, request, (setting.first ?? 0) + offset, setting),
  );
  const names = disks.map(({ name }) => name);
  checkDeviceNames(names, names, 'disk');
  return disks;
}

function buildDisk(cluster: Cluster, request: DiskRequest, index: number, setting: DiskSetting): Disk {
  const refuse = (text: string) => new MerapiError('wrong_input', `Disk ${index}: ${text}`);
  const { template } = setting;
  const { size, mode = 'rw', name, adopt, spindles, access } = request;
  if (adopt !== undefined && !takes(template, 'adopt'))
    throw refuse(`data cannot be adopted with the template ${template}`);
  if (adopt === undefined && templates[template].foreign)
    throw refuse(`the template ${template} only adopts devices; give the device as adopt`);
  if (access !== undefined && !accessModes.includes(String(access)))
    throw refuse(`access must be ${accessModes.join(' or ')}, not '${access}'`);
  for (const needed of templates[template].requires)
    if (request[needed] === undefined) throw refuse(`the template ${template} needs a ${needed}`);
  if (size === undefined && adopt === undefined) throw refuse('its size is missing');
  if (mode !== 'rw' && mode !== 'ro') throw refuse(`mode must be rw or ro, not '${mode}'`);
  const mebibytes = size === undefined ? 0 : parseSize(size);
  if (mebibytes < 1 && adopt === undefined) throw refuse('its size must be at least 1 MiB');
  const uuid = setting.random.uuid();
  return {
    ...newObject(uuid, setting.now),
    name: givenName(name),
    dev_type: template,
    logical_id: templates[template].logicalId({ ...setting, cluster, request, uuid, index }),
    size: mebibytes,
    mode,
    spindles: spindles === undefined ? null : Number(spindles),
    params: keptParams(template, request),
    instance: setting.instance.uuid,
  };
}

/** The parameters that the template uses and that are neither in fields of the disk nor in its logical id. */
function keptParams(template: DiskTemplate, request: DiskRequest): Record<string, unknown> {
  const elsewhere = ['adopt', 'dev_type', 'mode', 'name', 'provider', 'size', 'spindles'];
  const isOwn = (key: string) =>
    takesAny(template) ? !elsewhere.includes(key) : key !== 'adopt' && takes(template, key);
  return Object.fromEntries(Object.entries(request).filter(([key]) => isOwn(key)));
}

/** The same disks, the mirrored ones between these nodes (uuids); reserveMirrors() then assigns their ports and minor numbers. */
export function onNodes(disks: readonly Disk[], primary: string, secondary: string | null): Disk[] {
  return disks.map((disk) =>
    templates[disk.dev_type].mirrored && secondary !== null
      ? { ...disk, logical_id: [primary, secondary, ...disk.logical_id.slice(2)] }
      : disk,
  );
}

/** The same disk, its file in the folder of an instance of this name; disks whose location does not depend on that stay as they are. */
export function inFolderOf(instance: string, disk: Disk): Disk {
  const logical_id = templates[disk.dev_type].placeFor?.(instance, disk.logical_id);
  return logical_id ? { ...disk, logical_id } : disk;
}
