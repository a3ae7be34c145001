// Which side of which mirrored disks OP_INSTANCE_REPLACE_DISKS rebuilds, by its mode:
//   replace_on_primary, replace_on_secondary   that side of the disks that the request names, or of all
//   replace_auto                               the lost disks, if these are all on one side
//   replace_new_secondary                      the secondary side of all disks, on another node
// The side that stays must have current data; otherwise the request is refused.

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { checkOnline, diskNumbered, instanceNamed } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { type DiskNodes, diskNodesOf } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CommonValues, ValuesOf } from '../../opcodes/define.ts';
import type { instanceReplaceDisks } from '../../opcodes/instance/replace-disks.ts';
import { newSecondary } from '../../placement/relocate.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import { checkInstancePolicy } from '../checks/spec.ts';
import type { CheckContext } from '../define.ts';

type Params = ValuesOf<typeof instanceReplaceDisks> & CommonValues;
type Side = 'primary' | 'secondary';

/** What the job replaces. */
export interface Plan {
  uuid: string;
  nodes: DiskNodes;
  side: Side | 'new';
  /** The new secondary node, for the side `new`. */
  fresh: Node | null;
  disks: readonly Disk[];
  /** Whether the disks are in use. */
  wasActive: boolean;
}

/** Checks a request and determines what to replace. @throws MerapiError wrong_input, wrong_state, execution, internal_error, not_found */
export async function planReplacement(context: CheckContext, params: Params): Promise<Plan> {
  const { view, runtime, resolve } = context;
  const instance = instanceNamed(view, params.instance_name);
  resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
  checkArguments(params);
  const nodes = diskNodesOf(view, instance);
  if (!templates[instance.disk_template].mirrored || !nodes.secondary)
    throw new MerapiError(
      'internal_error', // Ganeti's error class for this
      `Only mirrored disks can be replaced; those of ${instance.name} have the template ${instance.disk_template}`,
    );
  checkOnline(nodes.primary);
  const wasActive =
    isRunning(runtime, instance) || instance.admin_state === 'up' || instance.disks_active === true;
  const plan = { uuid: instance.uuid, nodes, fresh: null, wasActive };
  const all = view.disksOf(instance);
  if (params.mode === 'replace_new_secondary') {
    const fresh = await newSecondary(context, instance, all, nodes, params);
    resolve({ remote_node: fresh.name, remote_node_uuid: fresh.uuid });
    const isElsewhere = fresh.group !== nodes.primary.group;
    if (isElsewhere)
      checkInstancePolicy(view, fresh, instance, params.ignore_ipolicy ? context.log : undefined);
    await checkCurrent(context, nodes.primary, all);
    return { ...plan, side: 'new', fresh, disks: all };
  }
  checkOnline(nodes.secondary);
  const { side, disks } = await sideOf(context, instance, params, nodes);
  const other = side === 'primary' ? nodes.secondary : nodes.primary;
  await checkCurrent(context, other, disks);
  return { ...plan, side, disks };
}

/** @throws MerapiError wrong_input for parameters that do not fit the mode */
function checkArguments(params: Params): void {
  const { mode, remote_node, iallocator, disks } = params;
  if (mode === 'replace_new_secondary') {
    if (disks.length > 0)
      throw new MerapiError('wrong_input', 'All disks get the new secondary node; leave disks out');
  } else if (remote_node !== null || iallocator !== null)
    throw new MerapiError(
      'wrong_input',
      `remote_node and iallocator belong to the mode replace_new_secondary, not to ${mode}`,
    );
}

/** The side and the disks to rebuild, for all modes but replace_new_secondary. @throws MerapiError wrong_input, wrong_state */
async function sideOf(
  context: CheckContext,
  instance: Instance,
  params: Params,
  nodes: DiskNodes,
): Promise<{ side: Side; disks: readonly Disk[] }> {
  const named = namedDisks(context.view, instance, params.disks);
  if (params.mode === 'replace_on_primary') return { side: 'primary', disks: named };
  if (params.mode === 'replace_on_secondary') return { side: 'secondary', disks: named };
  const lost = {
    primary: await lostOn(context, nodes.primary, named),
    secondary: nodes.secondary ? await lostOn(context, nodes.secondary, named) : [],
  };
  if (lost.primary.length > 0 && lost.secondary.length > 0)
    throw new MerapiError(
      'wrong_state',
      `Instance ${instance.name} has lost disks on both of its nodes, which cannot be repaired automatically`,
    );
  const side = lost.primary.length > 0 ? 'primary' : 'secondary';
  return { side, disks: lost[side] };
}

/** The disks with these indexes; without any all disks of the instance. @throws MerapiError wrong_input */
function namedDisks(view: ClusterView, instance: Instance, indexes: readonly number[]): readonly Disk[] {
  if (indexes.length === 0) return view.disksOf(instance);
  return [...new Set(indexes)].map((index) => diskNumbered(view, instance, index));
}

/** The disks whose data does not exist on this node. */
async function lostOn({ nodes }: CheckContext, node: Node, disks: readonly Disk[]): Promise<Disk[]> {
  if (disks.length === 0) return [];
  const answer = await nodes.call(node, 'disk.status', { disks: disks.map(diskTarget) });
  return disks.filter((_, index) => answer.disks[index]?.exists !== true);
}

/** @throws MerapiError execution when the side that stays does not have the current data of a disk */
async function checkCurrent({ nodes }: CheckContext, node: Node, disks: readonly Disk[]): Promise<void> {
  if (disks.length === 0) return;
  const answer = await nodes.call(node, 'disk.status', { disks: disks.map(diskTarget) });
  const stale = answer.disks.findIndex(({ mirror }) => mirror?.current !== true);
  if (stale >= 0)
    throw new MerapiError(
      'execution',
      `Node ${node.name} does not have the current data of disk ${disks[stale]?.uuid}, so the other side cannot be replaced`,
    );
}
