// OP_INSTANCE_RECREATE_DISKS: creates the data of lost disks again, empty, on the same nodes or, for all disks together, on other ones.
// Disks whose data exists are refused: nothing is overwritten.

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { steppedSize } from '../../model/enforce.ts';
import { checkOnline, checkTakes, diskNumbered, instanceNamed, nodeNamed } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { type DiskNodes, diskNodesOf } from '../../model/mirror.ts';
import { changed } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CommonValues, ValuesOf } from '../../opcodes/define.ts';
import { instanceRecreateDisks as opcode } from '../../opcodes/instance/recreate-disks.ts';
import { newNodes } from '../../placement/relocate.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import { put } from '../../store/changes.ts';
import { checkDiskPolicy } from '../checks/spec.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { checkSpindles, onNodes, sizedRequest } from '../devices/disks.ts';
import { hooksOfInstance } from '../hooks/hooks.ts';
import { createDisks } from '../steps/disk-work.ts';
import { reserveMirrors } from '../steps/mirrors.ts';

type Params = ValuesOf<typeof opcode> & CommonValues;

/** What may be different about a disk that is recreated. */
const changeable = ['mode', 'size', 'spindles'];

export const instanceRecreateDisks = defineUnit(opcode, {
  async check(context, params) {
    const { view, resolve, clock } = context;
    const wishes = params.disks.map((each): Wish => (typeof each === 'number' ? [each, {}] : each));
    checkWishes(wishes);
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    if (wishes.length > 0)
      resolve({ disks: wishes.map(([index, changes]): Wish => [index, sizedRequest(changes)]) });
    checkDown(context.runtime, instance);
    const all = view.disksOf(instance);
    const lost = lostDisks(view, instance, wishes, clock.seconds());
    const old = diskNodesOf(view, instance);
    const nodes = await nodesFor(context, instance, params, old, lost.length === all.length);
    checkSpindles(view, nodes.primary, wishes);
    const placed = nodes === old ? lost : onNodes(lost, nodes.primary.uuid, nodes.secondary?.uuid ?? null);
    const after = all.map((disk) => placed.find(({ uuid }) => uuid === disk.uuid) ?? disk);
    checkDiskPolicy(view, nodes.primary, instance, after);
    await checkLost(context, nodes, placed);
    const before = all.filter((disk) => lost.some(({ uuid }) => uuid === disk.uuid));
    return { uuid: instance.uuid, nodes, disks: placed, before };
  },

  hooks: (view, { uuid, nodes }) => {
    const instance = view.instances.get(uuid);
    const places = Object.values(nodes).flatMap((node) => node?.uuid ?? []);
    return instance ? hooksOfInstance(view, 'instance-recreate-disks', instance, { pre: places }) : null;
  },

  async run(context, { uuid, nodes, disks: planned, before }) {
    const { primary, secondary } = nodes;
    const disks = await reserveMirrors(context, planned, before);
    const where = secondary ? `${primary.name} and ${secondary.name}` : primary.name;
    context.log(`Recreating ${disks.length} disk${disks.length > 1 ? 's' : ''} on ${where}`);
    await createDisks(context, nodes, disks.map(diskTarget));
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const instance = view.instances.get(uuid);
        if (!instance) return [];
        const moved = changed(instance, { primary_node: primary.uuid }, now);
        return [...disks.map((disk) => put('disk', disk)), put('instance', moved)];
      },
    };
  },
});

/** The index of a disk, and what of it changes. */
type Wish = [number, Record<string, string | number>];

/** @throws MerapiError wrong_input when a disk is named twice, or a parameter cannot be changed */
function checkWishes(wishes: readonly Wish[]): void {
  const indexes = wishes.map(([index]) => index);
  const twice = indexes.find((index, position) => indexes.indexOf(index) !== position);
  if (twice !== undefined) throw new MerapiError('wrong_input', `Disk ${twice} is named twice`);
  for (const [index, changes] of wishes) {
    const unchangeable = Object.keys(changes).filter((key) => !changeable.includes(key));
    if (unchangeable.length > 0)
      throw new MerapiError(
        'wrong_input',
        `Disk ${index}: ${unchangeable.join(', ')} cannot be changed; ${changeable.join(', ')} can`,
      );
  }
}

/** The disks to recreate, with their changes; without wishes all disks of the instance. @throws MerapiError wrong_input */
function lostDisks(view: ClusterView, instance: Instance, wishes: readonly Wish[], now: number): Disk[] {
  if (wishes.length === 0) return view.disksOf(instance).map((disk) => changed(disk, {}, now));
  return wishes.map(([index, changes]) => {
    const disk = diskNumbered(view, instance, index);
    const { size, mode, spindles } = changes;
    const patch: Partial<Disk> = {
      ...(size === undefined ? {} : { size: steppedSize(size) }),
      ...(mode === 'rw' || mode === 'ro' ? { mode } : {}),
      ...(spindles === undefined ? {} : { spindles: Number(spindles) }),
    };
    if (patch.size === 0)
      throw new MerapiError('wrong_input', `Disk ${index}: its size must be at least 1 MiB`);
    return changed(disk, patch, now);
  });
}

/**
 * The nodes on which the disks are created: those of the request, those that the allocator chooses, or the old ones. The result is
 * `old` itself if nothing changes; the caller relies on that. @throws MerapiError wrong_input, not_found, wrong_state
 */
async function nodesFor(
  context: CheckContext,
  instance: Instance,
  params: Params,
  old: DiskNodes,
  isAll: boolean,
): Promise<DiskNodes> {
  const { view, resolve } = context;
  if (params.nodes.length === 0 && params.iallocator === null) {
    for (const node of Object.values(old)) if (node) checkOnline(node);
    return old;
  }
  if (params.nodes.length > 0 && params.iallocator !== null)
    throw new MerapiError('wrong_input', 'Give either nodes or iallocator, not both');
  if (!isAll)
    throw new MerapiError('wrong_input', 'Only all disks together can move to other nodes; leave disks out');
  if (params.iallocator !== null) {
    const chosen = await newNodes(context, instance, view.disksOf(instance), params.iallocator);
    resolve({ nodes: Object.values(chosen).flatMap((node) => node?.name ?? []) });
    return chosen;
  }
  const nodes = params.nodes.map((name) => nodeNamed(view, name));
  resolve({ nodes: nodes.map(({ name }) => name), node_uuids: nodes.map(({ uuid }) => uuid) });
  const needed = old.secondary ? 2 : 1;
  const [primary, secondary = null] = nodes;
  if (nodes.length !== needed || !primary)
    throw new MerapiError(
      'wrong_input',
      `Disks of the template ${instance.disk_template} need ${needed} node${needed > 1 ? 's' : ''}; ${nodes.length} are given`,
    );
  if (primary === secondary) throw new MerapiError('wrong_input', `${primary.name} is named twice`);
  for (const node of nodes) checkTakes(node);
  return { primary, secondary };
}

/** @throws MerapiError wrong_state when the instance runs or its admin state is `up` */
function checkDown(runtime: RuntimeView, instance: Instance): void {
  if (isRunning(runtime, instance) || instance.admin_state === 'up')
    throw new MerapiError(
      'wrong_state',
      `Instance ${instance.name} is not down; shut it down before its disks are recreated`,
    );
}

/** @throws MerapiError execution when the data of a disk still exists on a node */
async function checkLost(
  { nodes: caller }: CheckContext,
  nodes: DiskNodes,
  disks: readonly Disk[],
): Promise<void> {
  for (const node of Object.values(nodes)) {
    if (!node || disks.length === 0) continue;
    const answer = await caller.call(node, 'disk.status', { disks: disks.map(diskTarget) });
    const existing = answer.disks.findIndex((status) => status.exists);
    if (existing >= 0)
      throw new MerapiError(
        'execution',
        `Disk ${disks[existing]?.uuid} exists on ${node.name} (${answer.disks[existing]?.path}): only lost disks are recreated`,
      );
  }
}
