// OP_NODE_ADD: adds a node whose worker is running, or with readd adds a known one again, keeping what the request does not set.

import { isIP } from 'node:net';
import { MerapiError } from '../../base/errors.ts';
import type { Resolver } from '../../base/resolver.ts';
import { groupNamed } from '../../model/find.ts';
import { ownValues, refuseStates } from '../../model/given-params.ts';
import { hostName, nodeName } from '../../model/names.ts';
import { ndParamKinds } from '../../model/ndparams.ts';
import type { Node } from '../../model/node.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import { changed, newObject } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { nodeAdd as opcode } from '../../opcodes/node/add.ts';
import { put } from '../../store/changes.ts';
import { wantsCandidate } from '../checks/candidates.ts';
import { defineUnit } from '../define.ts';
import { nodeHooks, otherNodes, roleEnv } from '../hooks/hooks.ts';
import { noLongerAwaited } from './awaited.ts';

export const nodeAdd = defineUnit(opcode, {
  async check({ view, nodes, clock, random, resolver }, params) {
    refuseStates(params);
    const known = view.nodes.named(hostName(params.node_name));
    const name = known?.name ?? nodeName(params.node_name);
    if (known && !params.readd)
      throw new MerapiError('already_exists', `Node ${name} is already in the cluster`);
    if (!known && params.readd) throw new MerapiError('not_found', `Node ${name} is not in the cluster yet`);
    const primary = params.primary_ip ?? known?.primary_ip ?? (await addressOf(resolver, name));
    const secondary = params.secondary_ip ?? ownSecondary(known) ?? primary;
    for (const address of [primary, secondary])
      if (!isIP(address)) throw new MerapiError('wrong_input', `'${address}' is not an IP address`);
    checkAddresses(view, known, { name, primary, secondary });
    if (known && params.group !== null)
      throw new MerapiError(
        'wrong_input',
        'A node that is added again stays in its node group; leave group out',
      );
    const group = groupFor(view, known, params.group);
    const ndparams = params.ndparams ? ownValues(params.ndparams, ndParamKinds) : (known?.ndparams ?? {});
    const capable = params.master_capable ?? known?.master_capable ?? true;
    const now = clock.seconds();
    const settings = {
      group: group?.uuid ?? '',
      primary_ip: primary,
      secondary_ip: secondary,
      master_candidate: capable && wantsCandidate(view, known && { without: known.uuid }),
      offline: false,
      drained: false,
      master_capable: capable,
      vm_capable: params.vm_capable ?? known?.vm_capable ?? true,
      ndparams,
    };
    const node: Node = known
      ? changed(known, settings, now)
      : { ...newObject(random.uuid(), now), name, tags: [], ...settings };
    const worker = await nodes.call(node, 'node.hello', {});
    if (worker.name !== name)
      throw new MerapiError(
        'environment_error',
        `The worker at ${primary} belongs to ${worker.name}, not to ${name}`,
      );
    return { node };
  },

  hooks: (view, { node }) => {
    const others = otherNodes(view, node.uuid);
    const all = { env: roleEnv(node), pre: others, post: [...others, node.uuid] };
    return nodeHooks(view, 'node-add', view.nodes.get(node.uuid) ?? node, all);
  },

  async run(context, { node }) {
    // The master must have its facts before the job ends, so that a following job can use the node at once.
    await context.step('facts', async ({ nodes }) => {
      await nodes.call(node, 'node.facts', {});
    });
    return {
      result: null,
      changes: (view) => [put('node', node), ...noLongerAwaited(view, node.name)],
    };
  },
});

/**
 * Checks the addresses of a node. Either all nodes have a secondary address or none has; the master node decides.
 * @throws MerapiError resource_not_unique when another node has one of the addresses, wrong_input when the master node differs
 */
function checkAddresses(
  view: ClusterView,
  known: Node | undefined,
  { name, primary, secondary }: { name: string; primary: string; secondary: string },
): void {
  for (const other of view.nodes.list()) {
    if (other.uuid === known?.uuid) continue;
    const address = [other.primary_ip, other.secondary_ip].find(
      (each) => each === primary || each === secondary,
    );
    if (address)
      throw new MerapiError(
        'resource_not_unique',
        `Node ${other.name} has the address ${address} of ${name}`,
      );
  }
  const master = view.nodes.get(view.cluster.master_node);
  if (!master || master.uuid === known?.uuid) return;
  const hasMaster = master.primary_ip !== master.secondary_ip;
  const hasNode = primary !== secondary;
  if (hasMaster !== hasNode)
    throw new MerapiError(
      'wrong_input',
      `The master node has ${hasMaster ? 'a' : 'no'} secondary address and ${name} has ${hasNode ? 'one' : 'none'}; either all nodes have one or none has`,
    );
}

/** The secondary address of a node, if it differs from the primary one. */
function ownSecondary(node: Node | undefined): string | undefined {
  return node && node.secondary_ip !== node.primary_ip ? node.secondary_ip : undefined;
}

/** The address to which the name of a node resolves. @throws MerapiError resolver_error */
async function addressOf(resolver: Resolver, name: string): Promise<string> {
  try {
    return await resolver.addressOf(name);
  } catch (cause) {
    throw new MerapiError('resolver_error', `The name ${name} has no address; give primary_ip`, { cause });
  }
}

/** The node group of the node: that of the request, that of a known node, or the only one. @throws MerapiError not_found, wrong_input */
function groupFor(view: ClusterView, known: Node | undefined, named: string | null): NodeGroup | undefined {
  if (named) return groupNamed(view, named);
  return known ? view.groups.get(known.group) : onlyGroup(view);
}

/** @throws MerapiError wrong_input when there are several node groups */
function onlyGroup(view: ClusterView): NodeGroup {
  const [group, other] = view.groups.list();
  if (!group || other)
    throw new MerapiError(
      'wrong_input',
      `Give one of the node groups ${view.groups
        .list()
        .map((each) => each.name)
        .join(', ')}`,
    );
  return group;
}
