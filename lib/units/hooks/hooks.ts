// Builders for the hooks of opcodes, by kind of object. Names of hooks, variables and nodes are Ganeti's (docs/hooks.md has the table).
// Every builder adds the master node to both phases: scripts run there in any case.

import { join } from 'node:path';
import { pythonText } from '../../base/python.ts';
import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import { hostNamed } from '../../model/lookup.ts';
import { type DiskNodes, nodesOf, secondaryOf } from '../../model/mirror.ts';
import type { Network, NetworkLink } from '../../model/network.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { Hooks } from '../define.ts';
import type { Move } from '../steps/relocation.ts';
import { type HookEnv, instanceEnv, knownInstanceEnv, networkEnv } from './hook-env.ts';

/** What an opcode sets itself instead of the defaults of its kind of object. */
interface HookOptions {
  /** Variables beside those of the object. */
  env?: HookEnv;
  /** The uuids of the nodes for the scripts before the opcode, beside the master node. */
  pre?: readonly string[];
  /** The uuids of the nodes for the scripts after it; by default those of `pre`. */
  post?: readonly string[];
}

function hooks(
  view: ClusterView,
  name: string,
  object: Hooks['object'],
  target: string,
  { env = {}, pre = [], post = pre }: HookOptions,
): Hooks {
  const master = view.cluster.master_node;
  return { name, object, target, env, pre: [master, ...pre], post: [master, ...post] };
}

/**
 * The member `hooks` of a unit whose parameter `instance_name` names the instance: scripts run on the nodes of the instance, unless
 * `options` says otherwise.
 */
export function instanceHooks<P extends { instance_name: string }>(
  name: string,
  options: (params: P, view: ClusterView, instance: Instance) => HookOptions = () => ({}),
): (view: ClusterView, facts: unknown, params: P) => Hooks | null {
  return (view, _facts, params) => {
    const instance = hostNamed(view.instances, params.instance_name);
    return instance ? hooksOfInstance(view, name, instance, options(params, view, instance)) : null;
  };
}

/** The hooks of an opcode on an instance: scripts run on its nodes, unless `options` says otherwise. */
export function hooksOfInstance(
  view: ClusterView,
  name: string,
  instance: Instance,
  { env, ...nodes }: HookOptions = {},
): Hooks {
  return hooks(view, name, 'INSTANCE', instance.name, {
    pre: nodesOf(view, instance),
    ...nodes,
    env: { ...knownInstanceEnv(view, instance), ...env },
  });
}

/** What is known of an instance before it is in the cluster. */
interface Creation {
  instance: Instance;
  disks: readonly Disk[];
  nodes: DiskNodes;
  /** The export from which it is imported. */
  source: ExportSource | null;
}

interface ExportSource {
  node: Node;
  /** The folder of the export. */
  path: string;
  /** The file of each disk; null for a disk without one. */
  files: readonly (string | null)[];
}

/** What the hooks show of the request. */
interface CreationRequest {
  mode: string;
  start: boolean;
}

/** The hooks of the creation of an instance. Before it is in the cluster, they show it as it is planned. */
export function creationHooks(
  view: ClusterView,
  { instance, disks, nodes, source }: Creation,
  { mode, start }: CreationRequest,
): Hooks {
  const { primary, secondary } = nodes;
  const created = view.instances.get(instance.uuid);
  const planned = { ...instance, admin_state: start ? ('up' as const) : ('down' as const) };
  const env = created
    ? knownInstanceEnv(view, created)
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

/**
 * The hooks of a change of an instance; they show it as it is after the change. `disks` are those that it has then, null if they do
 * not change.
 */
export function changeHooks(
  view: ClusterView,
  after: Instance,
  disks: readonly Disk[] | null,
  env: HookEnv,
): Hooks {
  const all = instanceEnv(view, after, disks ?? view.disksOf(after), secondaryOf(view, after));
  return hooksOfInstance(view, 'instance-modify', after, { env: { ...all, ...env } });
}

/** The hooks of a failover or migration; `pre` are further nodes (uuids) for the scripts before it. */
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

/** The hooks of an opcode on a node: scripts run on the master node alone, unless `options` says otherwise. */
export function nodeHooks(view: ClusterView, name: string, node: Node, options: HookOptions): Hooks {
  const env = {
    NODE_NAME: node.name,
    NODE_PIP: node.primary_ip,
    NODE_SIP: node.secondary_ip,
    ...options.env,
  };
  return hooks(view, name, 'NODE', node.name, { ...options, env });
}

/** The uuids of all nodes but this one (uuid). */
export function otherNodes(view: ClusterView, node: string): string[] {
  return view.nodes.list().flatMap(({ uuid }) => (uuid === node ? [] : [uuid]));
}

/** The flags that a node gets, in Python's words; `None` where a flag stays as it is. */
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

/** The hooks of an opcode on a node group: scripts run on the master node alone, unless `options` says otherwise. */
export function groupHooks(view: ClusterView, name: string, group: string, options: HookOptions = {}): Hooks {
  return hooks(view, name, 'GROUP', group, { ...options, env: { GROUP_NAME: group, ...options.env } });
}

/** The hooks of an opcode on a network: scripts run on the master node alone, unless `options` says otherwise. */
export function networkHooks(
  view: ClusterView,
  name: string,
  network: Network,
  options: HookOptions = {},
): Hooks {
  const env = { ...networkEnv(network), ...options.env };
  return hooks(view, name, 'NETWORK', network.name, { ...options, env });
}

/**
 * The hooks of connecting a network to a node group or disconnecting it: scripts run on the nodes of the group. Null when there is
 * nothing to do.
 */
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

/** The hooks of an opcode on the cluster itself: scripts run on the master node alone, unless `options` says otherwise. */
export function clusterHooks(view: ClusterView, name: string, options: HookOptions = {}): Hooks {
  return hooks(view, name, 'CLUSTER', view.cluster.name, options);
}
