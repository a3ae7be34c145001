import { randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { MerapiError } from '../../base/errors.ts';
import { hostName } from '../../model/names.ts';
import { ndParamKinds } from '../../model/ndparams.ts';
import type { Node } from '../../model/node.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import { changed, newObject } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { nodeAdd as opcode } from '../../opcodes/node/add.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { groupNamed } from '../steps/find.ts';
import { ownValues, refuseStates } from '../steps/params.ts';

export const nodeAdd = defineUnit(opcode, {
  async check({ view, nodes, clock }, params) {
    refuseStates(params);
    const name = hostName(params.node_name);
    const known = view.nodes.named(name);
    if (known && !params.readd)
      throw new MerapiError('already_exists', `Node ${name} is already in the cluster`);
    if (!known && params.readd)
      throw new MerapiError('unknown_entity', `Node ${name} is not in the cluster yet`);
    const primary = params.primary_ip ?? known?.primary_ip ?? (await addressOf(name));
    const secondary = params.secondary_ip ?? known?.secondary_ip ?? primary;
    for (const address of [primary, secondary])
      if (!isIP(address)) throw new MerapiError('wrong_input', `'${address}' is not an IP address`);
    const group = params.group
      ? groupNamed(view, params.group)
      : known
        ? view.groups.get(known.group)
        : onlyGroup(view);
    const ndparams = params.ndparams ? ownValues(params.ndparams, ndParamKinds) : (known?.ndparams ?? {});
    const capable = params.master_capable ?? known?.master_capable ?? true;
    const candidates = view.nodes.list().filter((node) => node.master_candidate).length;
    const now = clock.seconds();
    const settings = {
      group: group?.uuid ?? '',
      primary_ip: primary,
      secondary_ip: secondary,
      master_candidate: known?.master_candidate ?? (capable && candidates < view.cluster.candidate_pool_size),
      offline: false,
      drained: false,
      master_capable: capable,
      vm_capable: params.vm_capable ?? known?.vm_capable ?? true,
      ndparams,
    };
    const node: Node = known
      ? changed(known, settings, now)
      : { ...newObject(randomUUID(), now), name, tags: [], ...settings };
    const worker = await nodes.call(node, 'node.hello', {});
    if (worker.name !== name)
      throw new MerapiError(
        'environment_error',
        `The worker at ${primary} is that of ${worker.name}, not of ${name}`,
      );
    return { node };
  },

  async run(context, { node }) {
    // Its facts must be known when the job ends, so that what comes next can use it at once.
    await context.step('facts', async ({ nodes }) => {
      await nodes.call(node, 'node.facts', {});
    });
    return { result: null, changes: () => [put('node', node)] };
  },
});

async function addressOf(name: string): Promise<string> {
  try {
    return (await lookup(name)).address;
  } catch (cause) {
    throw new MerapiError('resolver_error', `The name ${name} has no address; give primary_ip`, { cause });
  }
}

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
