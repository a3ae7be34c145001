import { join } from 'node:path';
import { pythonText } from '../../base/python.ts';
import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import { hostNamed } from '../../model/lookup.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import { secondaryOf } from '../../model/mirror.ts';
import type { Network, NetworkLink } from '../../model/network.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { Hooks } from '../define.ts';
import type { Move } from '../steps/relocation.ts';
import { type HookEnv, instanceEnv, knownInstanceEnv, networkEnv } from './hook-env.ts';

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

/** Hooks of what is done to an instance: on its nodes, unless `own` says otherwise. */
export function instanceHooks<P extends { instance_name: string }>(
  name: string,
  own: (params: P, view: ClusterView, instance: Instance) => Own = () => ({}),
): (view: ClusterView, facts: unknown, params: P) => Hooks | null {
  return (view, _facts, params) => {
    const instance = hostNamed(view.instances, params.instance_name);
    return instance ? hooksOfInstance(view, name, instance, own(params, view, instance)) : null;
  };
}

/** Hooks of what is done to this instance. */
export function hooksOfInstance(view: ClusterView, name: string, instance: Instance, own: Own = {}): Hooks {
  const { env, ...places } = own;
  const all = { ...knownInstanceEnv(view, instance), ...env };
  return hooks(view, name, 'INSTANCE', instance.name, {
    pre: placesOf(view, instance),
    ...places,
    env: all,
  });
}

/** What is known of an instance before the cluster has it. */
interface Creation {
  instance: Instance;
  disks: readonly Disk[];
  nodes: DiskNodes;
  /** The export that it comes from. */
  source: ExportSource | null;
}

interface ExportSource {
  node: Node;
  path: string;
  files: readonly (string | null)[];
}

/** How an instance is made. */
interface CreationRequest {
  mode: string;
  start: boolean;
}

/** Hooks of the creation of an instance. */
export function creationHooks(
  view: ClusterView,
  { instance, disks, nodes, source }: Creation,
  { mode, start }: CreationRequest,
): Hooks {
  const { primary, secondary } = nodes;
  const made = view.instances.get(instance.uuid);
  const planned = { ...instance, admin_state: start ? ('up' as const) : ('down' as const) };
  const env = made
    ? knownInstanceEnv(view, made)
    : instanceEnv(view, planned, disks, secondary?.uuid ?? null);
  return hooks(view, 'instance-add', 'INSTANCE', instance.name, {
    env: { ...env, ADD_MODE: mode, ...(source ? sourceEnv(source) : {}) },
    pre: secondary ? [primary.uuid, secondary.uuid] : [primary.uuid],
  });
}

function sourceEnv({ node, path, files }: ExportSource): HookEnv {
  const images = files.map((file) => file !== null && join(path, file));
  return { SRC_NODE: node.name, SRC_PATH: path, SRC_IMAGES: pythonText(images) };
}

/** Hooks of a change of an instance: they are told of it as it will be. `disks` are those that it will have, if they change. */
export function changeHooks(
  view: ClusterView,
  after: Instance,
  disks: readonly Disk[] | null,
  env: HookEnv,
): Hooks {
  const all = instanceEnv(view, after, disks ?? view.disksOf(after), secondaryOf(view, after));
  return hooksOfInstance(view, 'instance-modify', after, { env: { ...all, ...env } });
}

/** Hooks of an instance that goes from one node to another; `pre` are further nodes on which those before it run. */
export function moveHooks(
  view: ClusterView,
  name: string,
  { instance, from, to }: Pick<Move, 'instance' | 'from' | 'to'>,
  env: HookEnv,
  pre: readonly string[] = [],
): Hooks {
  const isMirrored = secondaryOf(view, instance) !== null;
  return hooksOfInstance(view, name, view.instances.get(instance.uuid) ?? instance, {
    env: {
      ...env,
      OLD_PRIMARY: from.name,
      NEW_PRIMARY: to.name,
      OLD_SECONDARY: isMirrored ? to.name : null,
      NEW_SECONDARY: isMirrored ? from.name : null,
    },
    pre: [to.uuid, ...pre],
    post: [to.uuid, from.uuid],
  });
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

/** The uuids of all nodes but one. */
export function otherNodes(view: ClusterView, node: string): string[] {
  return view.nodes.list().flatMap(({ uuid }) => (uuid === node ? [] : [uuid]));
}

/** What of a node's state scripts are told: what it gets, and Python's word for nothing where it stays as it is. */
export function roleEnv(
  given: {
    readonly [name in 'master_candidate' | 'offline' | 'drained' | 'master_capable' | 'vm_capable']:
      | boolean
      | null;
  },
): HookEnv {
  return {
    MASTER_CANDIDATE: pythonText(given.master_candidate),
    OFFLINE: pythonText(given.offline),
    DRAINED: pythonText(given.drained),
    MASTER_CAPABLE: pythonText(given.master_capable),
    VM_CAPABLE: pythonText(given.vm_capable),
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

/** Hooks of a network's connection to a node group: on the nodes of the group. Null when nothing is to be done. */
export function connectionHooks(
  view: ClusterView,
  name: string,
  facts: { network: string; group: string; link?: NetworkLink } | null,
): Hooks | null {
  const network = facts && view.networks.get(facts.network);
  const group = facts && view.groups.get(facts.group);
  if (!network || !group) return null;
  const { mode, link, vlan } = facts.link ?? group.networks[network.uuid] ?? {};
  const env = {
    GROUP_NAME: group.name,
    GROUP_NETWORK_MODE: mode,
    GROUP_NETWORK_LINK: link,
    GROUP_NETWORK_VLAN: vlan,
  };
  return networkHooks(view, name, network, { env, pre: view.nodesOf(group.uuid).map(({ uuid }) => uuid) });
}

/** Hooks of what is done to the cluster itself. */
export function clusterHooks(view: ClusterView, name: string, own: Own = {}): Hooks {
  return hooks(view, name, 'CLUSTER', view.cluster.name, own);
}
