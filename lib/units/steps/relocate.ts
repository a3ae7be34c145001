import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CheckContext } from '../define.ts';
import type { DiskNodes } from './disk-work.ts';
import { checkTakes, nodeNamed } from './find.ts';
import { chooseNode, requestOf } from './placement.ts';

/** In a request this stands for the cluster's default allocator. */
const DEFAULT_ALLOCATOR = '.';

/** The allocator that a request means, by name. @throws MerapiError wrong_input when it means none */
export function allocatorOf(view: ClusterView, wished: string | null, instead: string): string {
  const { default_iallocator } = view.cluster;
  const name = wished === null || wished === DEFAULT_ALLOCATOR ? default_iallocator : wished;
  if (name) return name;
  throw new MerapiError('wrong_input', `Give ${instead} or iallocator: the cluster has no default allocator`);
}

/**
 * The new secondary node of an instance that stays on its primary one: the node that the request names, or the allocator's
 * choice, of which the log tells.
 * @throws MerapiError wrong_input, unknown_entity, wrong_state, insufficient_resources
 */
export function newSecondary(
  { view, runtime, log }: CheckContext,
  instance: Instance,
  disks: readonly Disk[],
  old: DiskNodes,
  request: { remote_node: string | null; iallocator: string | null; ignore_ipolicy: boolean },
): Node {
  if (request.remote_node !== null && request.iallocator !== null)
    throw new MerapiError(
      'wrong_input',
      'Give either remote_node or iallocator: there is one node to choose',
    );
  if (request.remote_node !== null) {
    const node = nodeNamed(view, request.remote_node);
    checkTakes(node);
    for (const [role, other] of Object.entries(old))
      if (other?.uuid === node.uuid)
        throw new MerapiError('wrong_input', `${node.name} is the ${role} node of ${instance.name} already`);
    return node;
  }
  const { primary } = old;
  const allocator = allocatorOf(view, request.iallocator, 'remote_node');
  const { nodes, words } = chooseNode(
    view,
    runtime,
    allocator,
    {
      ...requestOf(view, instance, disks),
      ...{ required_nodes: 2, group: primary.group, primary: primary.uuid },
      exclude: old.secondary ? [old.secondary.uuid] : [],
      ignore_ipolicy: request.ignore_ipolicy,
    },
    instance,
  );
  log(words);
  const node = nodes[1];
  if (!node) throw new MerapiError('internal_error', 'The allocator chose no secondary node');
  return node;
}

/** New nodes for an instance that leaves its own, as the allocator chooses them. @throws MerapiError as newSecondary() */
export function newNodes(
  { view, runtime, log }: CheckContext,
  instance: Instance,
  disks: readonly Disk[],
  iallocator: string,
): DiskNodes {
  const allocator = allocatorOf(view, iallocator, 'nodes');
  const { nodes, words } = chooseNode(view, runtime, allocator, requestOf(view, instance, disks), instance);
  log(words);
  const [primary, secondary = null] = nodes;
  if (!primary) throw new MerapiError('internal_error', 'The allocator chose no node');
  return { primary, secondary };
}
