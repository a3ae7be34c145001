import { MerapiError } from '../base/errors.ts';
import type { Disk } from '../model/disk.ts';
import { checkTakes, nodeNamed } from '../model/find.ts';
import type { Instance } from '../model/instance.ts';
import type { DiskNodes } from '../model/mirror.ts';
import type { Node } from '../model/node.ts';
import { nodeCount } from '../model/templates/index.ts';
import { needsOf } from './allocator-cluster.ts';
import { allocatorOf } from './iallocator.ts';
import { type PlacementContext, placeNew, placeSecondary, replaceNode } from './placement.ts';

/**
 * The new secondary node of an instance that keeps its primary: the node in the request, or the choice of the allocator, which is
 * logged.
 * @throws MerapiError wrong_input, not_found, wrong_state, insufficient_resources
 */
export async function newSecondary(
  context: PlacementContext,
  instance: Instance,
  disks: readonly Disk[],
  old: DiskNodes,
  request: { remote_node: string | null; iallocator: string | null; ignore_ipolicy: boolean },
): Promise<Node> {
  const { view } = context;
  if (request.remote_node !== null && request.iallocator !== null)
    throw new MerapiError(
      'wrong_input',
      'Give either remote_node or iallocator, not both: only one node is needed',
    );
  if (request.remote_node !== null) {
    const node = nodeNamed(view, request.remote_node);
    checkTakes(node);
    for (const [role, other] of Object.entries(old))
      if (other?.uuid === node.uuid)
        throw new MerapiError('wrong_input', `${node.name} is the ${role} node of ${instance.name} already`);
    return node;
  }
  const allocator = allocatorOf(view, request.iallocator, 'remote_node');
  if (old.secondary) return replaceNode(context, allocator, instance, request.ignore_ipolicy);
  return placeSecondary(context, allocator, instance, disks, request.ignore_ipolicy);
}

/** Lets an allocator choose nodes for an instance whose disks are recreated. @throws MerapiError as newSecondary() */
export async function newNodes(
  context: PlacementContext,
  instance: Instance,
  disks: readonly Disk[],
  iallocator: string,
): Promise<DiskNodes> {
  const { view } = context;
  const needs = needsOf(view, instance, disks);
  const request = { ...needs, required_nodes: nodeCount(needs.disk_template) };
  const wanted = { ...instance, request };
  return placeNew(context, allocatorOf(view, iallocator, 'nodes'), wanted, instance);
}
