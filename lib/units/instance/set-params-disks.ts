// Changes of an instance's disks: add and remove, attach and detach, modify. A detached disk keeps its data and belongs to no instance.
// changeDisks() works all changes out in the check; makeDisks(), diskRecords(), deactivateLost() and dropDisks() then carry them out, in
// this order. DiskChanges is part of the stored facts.

import { MerapiError } from '../../base/errors.ts';
import { checkDeviceNames } from '../../model/device-names.ts';
import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import { type DiskNodes, diskNodesOf, mirrorNodes } from '../../model/mirror.ts';
import { givenName } from '../../model/names.ts';
import { changed } from '../../model/object.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { diskTarget } from '../../rpc/target.ts';
import { put, remove } from '../../store/changes.ts';
import type { Build, CheckContext, RunContext } from '../define.ts';
import {
  buildDisks,
  checkSpindles,
  type DiskRequest,
  inFolderOf,
  onNodes,
  sizedRequest,
} from '../devices/disks.ts';
import { createDisks, deactivateDisks, removeDisks } from '../steps/disk-work.ts';
import { reserveMirrors } from '../steps/mirrors.ts';
import { checkNames, deviceIndex, insertIndex, type Step } from './device-changes.ts';

/** Changes of disks that have been checked. */
export interface DiskChanges {
  nodes: DiskNodes;
  /** The disks of the instance afterwards; new mirrored ones have no port and minor numbers yet. */
  disks: Disk[];
  added: Disk[];
  /** The attached disks as they were while they were detached. */
  attached: Disk[];
  removed: Disk[];
  detached: Disk[];
  /** The entries of the job's result, in Ganeti's form. */
  told: [string, unknown][];
}

/** Works out the changes of disks that a request describes. @throws MerapiError */
export function changeDisks(
  context: CheckContext,
  instance: Instance,
  steps: readonly Step<DiskRequest>[],
): DiskChanges {
  const { view, clock } = context;
  const nodes = diskNodesOf(view, instance);
  const changes: DiskChanges = {
    nodes,
    disks: [...view.disksOf(instance)],
    added: [],
    attached: [],
    removed: [],
    detached: [],
    told: [],
  };
  const { told } = changes;
  for (const { op, params } of steps) if (op === 'modify') checkModifiable(params);
  for (const step of steps) {
    const { disks } = changes;
    switch (step.op) {
      case 'add':
      case 'attach': {
        // To attach a disk, `which` is either its name or uuid, or the index if the parameters name the disk.
        const hasIndex = step.op === 'add' || 'uuid' in step.params || 'name' in step.params;
        const index = insertIndex(disks, hasIndex ? step.which : -1, 'disk');
        const disk =
          step.op === 'add'
            ? newDisk(context, instance, nodes, step.params, disks.length)
            : detachedDisk(view, instance, step);
        (step.op === 'add' ? changes.added : changes.attached).push(disk);
        const own = step.op === 'add' ? disk : attached(instance, disk, clock.seconds());
        changes.disks = disks.toSpliced(index, 0, own);
        told.push([`disk/${index}`, `${step.op}:size=${disk.size},mode=${disk.mode}`]);
        break;
      }
      case 'remove':
      case 'detach': {
        const index = deviceIndex(disks, step.which, 'disk');
        (step.op === 'remove' ? changes.removed : changes.detached).push(disks[index] as Disk);
        changes.disks = disks.toSpliced(index, 1);
        told.push([`disk/${index}`, step.op]);
        break;
      }
      case 'modify': {
        const index = deviceIndex(disks, step.which, 'disk');
        const disk = modified(disks[index] as Disk, step.params, clock.seconds());
        changes.disks = disks.with(index, disk);
        for (const key of ['mode', 'name'] as const)
          if (key in step.params) told.push([`disk.${key}/${index}`, disk[key]]);
      }
    }
  }
  checkNames(steps, changes.disks, 'disk');
  const names = changes.disks.map(({ name }) => name);
  for (const { uuid, name } of changes.attached)
    if (changes.disks.some((disk) => disk.uuid === uuid)) checkDeviceNames([name], names, 'disk');
  return changes;
}

/** A new disk of the instance; `first` is its number. @throws MerapiError wrong_input */
function newDisk(
  { view, clock, random }: CheckContext,
  instance: Instance,
  nodes: DiskNodes,
  request: DiskRequest,
  first: number,
): Disk {
  const template = templateOf(view, instance);
  if (templates[template].mirrored && !nodes.secondary)
    throw new MerapiError(
      'wrong_input',
      `Instance ${instance.name} has no secondary node for mirrored disks; give it disks of another template`,
    );
  checkSpindles(view, nodes.primary, [[first, request]]);
  const now = clock.seconds();
  const setting = { instance, template, fileDriver: 'loop', fileFolder: null, now, random, first };
  const built = buildDisks(view.cluster, [sizedRequest(request)], setting);
  const [disk] = onNodes(built, nodes.primary.uuid, nodes.secondary?.uuid ?? null);
  if (!disk) throw new MerapiError('wrong_input', 'No disk is described');
  return disk;
}

/** The template of new disks of an instance. @throws MerapiError wrong_input */
export function templateOf(view: ClusterView, instance: Instance): DiskTemplate {
  return ownTemplate(view, instance) ?? firstTemplate(view);
}

/** The template of an instance's disks; null if the instance has no disks and its template is one without data. */
function ownTemplate(view: ClusterView, instance: Instance): DiskTemplate | null {
  const [disk] = view.disksOf(instance);
  if (disk) return disk.dev_type;
  return templates[instance.disk_template].hasData ? instance.disk_template : null;
}

/** The template of new disks of an instance that has none: the first enabled one with data. @throws MerapiError wrong_input */
function firstTemplate({ cluster }: ClusterView): DiskTemplate {
  const template = cluster.enabled_disk_templates.find((each) => templates[each].hasData);
  if (template) return template;
  throw new MerapiError('wrong_input', 'The cluster has no enabled disk template with data');
}

/** The detached disk that a change names by uuid or name. @throws MerapiError not_found, wrong_state for another template */
function detachedDisk(view: ClusterView, instance: Instance, { which, params }: Step<DiskRequest>): Disk {
  const wanted = String(params.uuid ?? params.name ?? which);
  const disk = view.freeDisks().find(({ uuid, name }) => uuid === wanted || name === wanted);
  if (!disk)
    throw new MerapiError('not_found', `There is no detached disk '${wanted}'; give its uuid or name`);
  const template = ownTemplate(view, instance);
  if (template !== null && disk.dev_type !== template)
    throw new MerapiError(
      'wrong_state',
      `Disk ${wanted} has the template ${disk.dev_type}, instance ${instance.name} has ${template}`,
    );
  return disk;
}

/** A detached disk as a disk of the instance. */
const attached = ({ uuid, name }: Instance, disk: Disk, now: number): Disk =>
  changed(inFolderOf(name, disk), { instance: uuid }, now);

/** @throws MerapiError wrong_state when the data of an attached disk is not on the nodes of the instance */
export async function checkAttached(
  { nodes: caller }: CheckContext,
  { nodes, attached: disks }: DiskChanges,
): Promise<void> {
  if (disks.length === 0) return;
  const { primary, secondary } = nodes;
  for (const disk of disks) {
    const sides = mirrorNodes(disk);
    if (!sides) continue;
    const isOnNodes = sides.includes(primary.uuid) && (!secondary || sides.includes(secondary.uuid));
    if (!isOnNodes) throw new MerapiError('wrong_state', `Disk ${disk.uuid} is mirrored between other nodes`);
  }
  const { disks: found } = await caller.call(primary, 'disk.status', { disks: disks.map(diskTarget) });
  const lost = disks.find((_, index) => !found[index]?.exists);
  if (lost)
    throw new MerapiError('wrong_state', `The data of disk ${lost.uuid} is not on node ${primary.name}`);
}

/** The parameters of a disk that can be modified. */
const changeable = ['mode', 'name'];

/** @throws MerapiError wrong_input for a new size, type_enforcement for another parameter that cannot be modified */
function checkModifiable(request: DiskRequest): void {
  if (request.size !== undefined)
    throw new MerapiError('wrong_input', 'The size of a disk cannot be changed here; use grow-disk');
  const unchangeable = Object.keys(request).filter((key) => !changeable.includes(key));
  if (unchangeable.length > 0)
    throw new MerapiError(
      'type_enforcement',
      `${unchangeable.join(', ')} of a disk cannot be changed; ${changeable.join(' and ')} can`,
    );
}

function modified(disk: Disk, { name, mode }: DiskRequest, now: number): Disk {
  return changed(
    disk,
    {
      ...(name === undefined ? {} : { name: givenName(name) }),
      ...(mode === 'rw' || mode === 'ro' ? { mode } : {}),
    },
    now,
  );
}

/**
 * Creates the data of new disks and moves the files of attached ones into the instance's folder. Returns all disks of the instance as
 * they are to be recorded.
 */
export async function makeDisks(
  context: RunContext,
  instance: Instance,
  changes: DiskChanges,
): Promise<readonly Disk[]> {
  const added = await reserveMirrors(context, changes.added);
  const byUuid = new Map(added.map((disk) => [disk.uuid, disk]));
  await createDisks(context, changes.nodes, added.map(diskTarget), 'new');
  for (const [index, disk] of changes.attached.entries()) {
    const from = diskTarget(disk);
    const to = diskTarget(inFolderOf(instance.name, disk));
    if (from.logical_id[1] === to.logical_id[1]) continue;
    await context.call(`attached/${index}/rename`, changes.nodes.primary, 'disk.rename', { from, to }, [
      { call: 'disk.rename', params: { from: to, to: from } },
    ]);
  }
  return changes.disks.map((disk) => byUuid.get(disk.uuid) ?? disk);
}

/** The changes that record the disks of the instance, and those that it has lost. @throws MerapiError wrong_state */
export function diskRecords(
  disks: readonly Disk[],
  { attached, removed, detached }: DiskChanges,
  now: number,
): Build {
  return (view) => {
    // No lock protects a detached disk: another job may have attached or removed it since the check.
    for (const { uuid } of attached)
      if (view.disk(uuid)?.instance !== null)
        throw new MerapiError('wrong_state', `Disk ${uuid} has been attached or removed in the meantime`);
    return [
      ...disks.map((disk) => put('disk', disk)),
      ...detached.map((disk) => put('disk', changed(disk, { instance: null }, now))),
      ...removed.map((disk) => remove('disk', disk.uuid)),
    ];
  };
}

/** Removes the data of removed disks; there is no undo. */
export async function dropDisks(context: RunContext, { nodes, removed }: DiskChanges): Promise<void> {
  await removeDisks(context, nodes, removed.map(diskTarget), { prefix: 'old' });
}

/** Deactivates the disks that the guest no longer has. */
export async function deactivateLost(
  context: RunContext,
  { nodes, removed, detached }: DiskChanges,
): Promise<void> {
  await deactivateDisks(context, nodes, [...removed, ...detached].map(diskTarget), { prefix: 'lost' });
}
