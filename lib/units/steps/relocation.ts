// Moves of an instance's primary node, as failover and migration do them: where it can go, and the change that records it.
// The template of its disks decides: mirrored disks can go only to the secondary node, shared disks to any node of the group, and
// disks on one node cannot go at all (instance move copies those).

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, checkTakes, instanceNamed, nodeNamed, primaryOf } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { secondaryOf } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { allocatorOf } from '../../placement/iallocator.ts';
import { replaceNode } from '../../placement/placement.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import { put } from '../../store/changes.ts';
import { checkHost } from '../checks/host.ts';
import { checkInstancePolicy } from '../checks/spec.ts';
import type { Build, CheckContext } from '../define.ts';

/** What a request says of a move. */
interface MoveRequest {
  instance_name: string;
  target_node: string | null;
  iallocator: string | null;
  ignore_ipolicy: boolean;
}

/** A move that has been checked. */
export interface Move {
  instance: Instance;
  /** The instance as nodes get it, with all parameters filled in. */
  target: InstanceTarget;
  from: Node;
  to: Node;
  /** Whether it runs on `from`, as far as is known. */
  isRunning: boolean;
}

/**
 * Determines the node to which an instance moves, and checks that it can run there. Resolves the names and uuids of the instance and
 * the nodes. With ignore_ipolicy a violated instance policy is only logged.
 * @throws MerapiError not_found, wrong_input, wrong_state, and what checkHost() and the allocator throw
 */
export async function checkMove(context: CheckContext, params: MoveRequest): Promise<Move> {
  const { view, runtime, nodes, resolve, log } = context;
  const instance = instanceNamed(view, params.instance_name);
  resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
  const named = params.target_node === null ? null : nodeNamed(view, params.target_node);
  if (named) resolve({ target_node: named.name, target_node_uuid: named.uuid });
  if (named && params.iallocator !== null)
    throw new MerapiError('wrong_input', 'Give target_node or iallocator, not both');
  const from = primaryOf(view, instance);
  const to = await targetOf(context, instance, named, params.iallocator, params.ignore_ipolicy);
  if (to.uuid === from.uuid)
    throw new MerapiError('wrong_state', `Node ${to.name} is the primary node of ${instance.name} already`);
  if (secondaryOf(view, instance) === to.uuid) checkOnline(to);
  else checkTakes(to);
  const problems = params.ignore_ipolicy ? log : undefined;
  checkInstancePolicy(view, to, instance, problems);
  const target = instanceTarget(view, instance, view.disksOf(instance));
  await checkHost(nodes, to, target);
  return { instance, target, from, to, isRunning: isRunning(runtime, instance) };
}

/**
 * The node to which the disks of an instance let it move: for mirrored disks the secondary node, for shared disks the named one or one
 * that the allocator chooses.
 * @throws MerapiError wrong_state, wrong_input, and what the allocator throws
 */
export async function targetOf(
  context: CheckContext,
  instance: Instance,
  named: Node | null,
  iallocator: string | null,
  ignore_ipolicy: boolean,
): Promise<Node> {
  const { view } = context;
  const template = templateOf(view, instance);
  if (templates[template].mirrored) {
    const secondary = view.nodes.get(secondaryOf(view, instance) ?? '');
    if (!secondary)
      throw new MerapiError('wrong_state', `The disks of ${instance.name} have no secondary node`);
    if (iallocator !== null || (named && named.uuid !== secondary.uuid))
      throw new MerapiError(
        'wrong_input',
        `The disks of ${instance.name} are mirrored: it can only go to its secondary node ${secondary.name}; replace-disks gives it another one`,
      );
    return secondary;
  }
  if (!templates[template].shared)
    throw new MerapiError(
      'wrong_state',
      `Disks of the template '${template}' are on one node only; the instance cannot run elsewhere`,
    );
  if (named) return named;
  return replaceNode(context, allocatorOf(view, iallocator, 'target_node'), instance, ignore_ipolicy);
}

function templateOf(view: ClusterView, instance: Instance): DiskTemplate {
  return view.disksOf(instance)[0]?.dev_type ?? instance.disk_template;
}

/** The change that makes a node (uuid) the primary node of an instance (uuid); none if it is that already. */
export function setPrimaryNode(instance: string, node: string, now: number): Build {
  return (view) => {
    const current = view.instances.get(instance);
    if (!current || current.primary_node === node) return [];
    return [put('instance', changed(current, { primary_node: node }, now))];
  };
}

/**
 * The node on which an instance really runs, whatever its recorded primary node is: for the cleanup of an interrupted move. All nodes
 * that are not offline must answer.
 * @throws MerapiError wrong_state when it runs on several nodes or on none, or a node does not answer
 */
export function findRunningNode(view: ClusterView, runtime: RuntimeView, instance: Instance): Node {
  const nodes = view.nodes.list().filter((node) => !node.offline);
  const silent = nodes.filter((node) => runtime.of(node.uuid) === null);
  if (silent.length > 0)
    throw new MerapiError(
      'wrong_state',
      `${silent.map(({ name }) => name).join(', ')} does not answer, so it is not known where ${instance.name} runs`,
    );
  const running = nodes.filter((node) => {
    const guest = runtime.guest(node.uuid, instance);
    return guest !== undefined && guest.state !== 'stopped';
  });
  const [only, ...others] = running;
  if (!only)
    throw new MerapiError('wrong_state', `Instance ${instance.name} does not run on any node; start it`);
  if (others.length > 0)
    throw new MerapiError(
      'wrong_state',
      `Instance ${instance.name} runs on ${running.map(({ name }) => name).join(' and ')}; stop it by hand on all nodes but one`,
    );
  return only;
}
