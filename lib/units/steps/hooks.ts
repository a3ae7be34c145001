import type { Instance } from '../../model/instance.ts';
import { hostNamed } from '../../model/lookup.ts';
import { secondaryOf } from '../../model/mirror.ts';
import type { Network } from '../../model/network.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { Hooks } from '../define.ts';
import { type HookEnv, knownInstanceEnv, networkEnv } from './hook-env.ts';

/** How the hooks of an opcode differ from the usual ones of its object. Nodes are those beside the master node, by uuid. */
interface Own {
  env?: HookEnv;
  pre?: readonly string[];
  post?: readonly string[];
}

function hooks(
  view: ClusterView,
  name: string,
  object: Hooks['object'],
  target: string,
  { env = {}, pre = [], post = pre }: Own,
): Hooks {
  const master = view.cluster.master_node;
  return { name, object, target, env, pre: [master, ...pre], post: [master, ...post] };
}

/** The uuids of the nodes that an instance is on. */
export function placesOf(view: ClusterView, instance: Instance): string[] {
  const secondary = secondaryOf(view, instance);
  return secondary === null ? [instance.primary_node] : [instance.primary_node, secondary];
}

/** The name of a node, for scripts. */
export const nodeName = (view: ClusterView, uuid: string | null) =>
  uuid === null ? null : view.nodes.get(uuid)?.name;

/** Hooks of what is done to an instance: on its nodes, unless `own` says otherwise. */
export function instanceHooks<P extends { instance_name: string }>(
  name: string,
  own: (params: P, view: ClusterView, instance: Instance) => Own = () => ({}),
): (view: ClusterView, facts: unknown, params: P) => Hooks | null {
  return (view, _facts, params) => {
    const instance = hostNamed(view.instances, params.instance_name);
    return instance ? aboutInstance(view, name, instance, own(params, view, instance)) : null;
  };
}

/** Hooks of what is done to this instance. */
export function aboutInstance(view: ClusterView, name: string, instance: Instance, own: Own = {}): Hooks {
  const { env, ...places } = own;
  const all = { ...knownInstanceEnv(view, instance), ...env };
  return hooks(view, name, 'INSTANCE', instance.name, {
    pre: placesOf(view, instance),
    ...places,
    env: all,
  });
}

/** Hooks of what is done to an instance that the cluster does not have yet. */
export function newInstanceHooks(view: ClusterView, name: string, target: string, own: Own): Hooks {
  return hooks(view, name, 'INSTANCE', target, own);
}

/** Hooks of what is done to a node. */
export function nodeHooks(view: ClusterView, name: string, node: Node, own: Own): Hooks {
  const env = {
    NODE_NAME: node.name,
    NODE_PIP: node.primary_ip,
    NODE_SIP: node.secondary_ip,
    ...own.env,
  };
  return hooks(view, name, 'NODE', node.name, { ...own, env });
}

/** What of a node's state scripts are told. */
export function roleEnv({
  master_candidate,
  offline,
  drained,
  master_capable,
  vm_capable,
}: Pick<Node, 'master_candidate' | 'offline' | 'drained' | 'master_capable' | 'vm_capable'>): HookEnv {
  return {
    MASTER_CANDIDATE: master_candidate,
    OFFLINE: offline,
    DRAINED: drained,
    MASTER_CAPABLE: master_capable,
    VM_CAPABLE: vm_capable,
  };
}

/** Hooks of what is done to a node group: on the master node alone, unless `own` says otherwise. */
export function groupHooks(view: ClusterView, name: string, group: string, own: Own = {}): Hooks {
  return hooks(view, name, 'GROUP', group, { ...own, env: { GROUP_NAME: group, ...own.env } });
}

/** Hooks of what is done to a network. */
export function networkHooks(view: ClusterView, name: string, network: Network, own: Own = {}): Hooks {
  return hooks(view, name, 'NETWORK', network.name, { ...own, env: { ...networkEnv(network), ...own.env } });
}

/** Hooks of what is done to the cluster itself. */
export function clusterHooks(view: ClusterView, name: string, own: Own = {}): Hooks {
  return hooks(view, name, 'CLUSTER', view.cluster.name, own);
}
