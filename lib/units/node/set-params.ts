// OP_NODE_SET_PARAMS: changes the role of a node (role.ts), its capabilities, secondary address and node parameters.

import { isIP } from 'node:net';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { ParamValues } from '../../model/enforce.ts';
import { nodeNamed } from '../../model/find.ts';
import { refuseStates, updatedValues } from '../../model/given-params.ts';
import { clusterOnlyNdParams, ndParamKinds } from '../../model/ndparams.ts';
import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import { templates } from '../../model/templates/index.ts';
import { mayDemote, nodeSetParams as opcode } from '../../opcodes/node/set-params.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { put } from '../../store/changes.ts';
import { fillPool, missingCandidates } from '../checks/candidates.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { nodeHooks, roleEnv } from '../hooks/hooks.ts';
import { newRole, roleChanges } from './role.ts';

/** The settings of which a request must give at least one. */
const settings = [
  'master_candidate',
  'drained',
  'offline',
  'master_capable',
  'vm_capable',
  'secondary_ip',
  'ndparams',
] as const;

export const nodeSetParams = defineUnit(opcode, {
  async check(context, params) {
    const { view, resolve, log } = context;
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    refuseStates(params);
    const isEmpty = settings.every((name) => params[name] === null);
    if (params.powered !== null)
      throw new MerapiError(
        isEmpty ? 'wrong_input' : 'wrong_state',
        'powered cannot be set: Merapi does not switch nodes on or off',
      );
    if (isEmpty)
      throw new MerapiError('wrong_input', `Nothing is to be changed; give one of ${settings.join(', ')}`);
    if (params.vm_capable === false) checkHasNoInstances(context, node);
    const role = newRole(context, node, params);
    const { master_capable, vm_capable, secondary_ip } = params;
    if (secondary_ip !== null) checkSecondaryAddress(context, node, secondary_ip, params.force);
    const patch: Partial<Node> = {
      ...role,
      ...(master_capable === null ? {} : { master_capable }),
      ...(vm_capable === null ? {} : { vm_capable }),
      ...(secondary_ip === null ? {} : { secondary_ip }),
      ...(params.ndparams === null ? {} : { ndparams: changedNdParams(node, params.ndparams) }),
    };
    const returns = node.offline && !role.offline;
    if (returns) await checkAnswers(context, node);
    const promotes = params.auto_promote && mayDemote(params);
    const others = promotes ? missingCandidates(view, { without: node.uuid }) : [];
    for (const { name } of others) log(`${name} becomes a master candidate`);
    return { node, patch, returns, promotes, result: resultOf(patch, roleChanges(node, role)) };
  },

  hooks: (view, { node }, params) =>
    nodeHooks(view, 'node-modify', node, { env: roleEnv(params), pre: [node.uuid] }),

  async run(context, { node, patch, returns, promotes, result }) {
    if (returns)
      // The master must have its facts before the job ends, so that a following job can use the node at once.
      await context.step('facts', async ({ nodes }) => {
        await nodes.call({ ...node, offline: false }, 'node.facts', {});
      });
    const now = context.clock.seconds();
    return {
      result,
      changes: (view) => [
        put('node', changed(view.nodes.get(node.uuid) ?? node, patch, now)),
        ...(promotes ? fillPool(view, now, { without: node.uuid }) : []),
      ],
    };
  },
});

/** The result in Ganeti's form: the changes with their values. Ganeti never lists node parameters. */
function resultOf(patch: Partial<Node>, role: readonly [string, boolean][]): [string, unknown][] {
  const word = (value: boolean) => (value ? 'True' : 'False');
  const result: [string, unknown][] = [];
  for (const name of ['master_capable', 'vm_capable'] as const) {
    const value = patch[name];
    if (value !== undefined) result.push([name, word(value)]);
  }
  if (patch.secondary_ip !== undefined) result.push(['secondary_ip', patch.secondary_ip]);
  return [...result, ...role.map(([name, value]): [string, unknown] => [name, word(value)])];
}

/** @throws MerapiError wrong_state when the node is the primary or secondary node of instances */
function checkHasNoInstances({ view }: CheckContext, node: Node): void {
  const held = [...view.instancesOn(node.uuid), ...view.secondariesOn(node.uuid)];
  if (held.length > 0)
    throw new MerapiError(
      'wrong_state',
      `Node ${node.name} has ${held.length} instances (${held[0]?.name}, …); move them away first`,
    );
}

/** The node's own parameters after a request. @throws MerapiError type_enforcement, wrong_input */
function changedNdParams(node: Node, given: ParamValues): ParamValues {
  const inheritedOnly = Object.keys(given).filter((name) => clusterOnlyNdParams.includes(name));
  if (inheritedOnly.length > 0)
    throw new MerapiError(
      'wrong_input',
      `${inheritedOnly.join(', ')} cannot be set for a node, only for its cluster or group`,
    );
  return updatedValues(node.ndparams, given, ndParamKinds);
}

/** @throws MerapiError wrong_state when the worker of a node that was offline does not answer */
async function checkAnswers({ nodes, log }: CheckContext, node: Node): Promise<void> {
  try {
    await nodes.call({ ...node, offline: false }, 'node.hello', {});
  } catch (cause) {
    throw new MerapiError(
      'wrong_state',
      `Node ${node.name} is to be online again, but its worker does not answer: ${errorText(cause)}`,
      { cause },
    );
  }
  log(
    `${node.name} is online again without a check of its state; make sure that it is healthy and that no instance runs both there and elsewhere`,
  );
}

/**
 * Checks a new secondary address. Either all nodes have a second address or none has; with force the master node can be the first to
 * change. @throws MerapiError wrong_input, wrong_state
 */
function checkSecondaryAddress(
  { view, runtime, log }: CheckContext,
  node: Node,
  address: string,
  force: boolean,
): void {
  if (!isIP(address)) throw new MerapiError('wrong_input', `'${address}' is not an IP address`);
  const master = view.nodes.get(view.cluster.master_node);
  const hasTwo = master !== undefined && master.secondary_ip !== master.primary_ip;
  const getsTwo = address !== node.primary_ip;
  if (hasTwo !== getsTwo) {
    const [now, then] = hasTwo ? ['two addresses', 'one'] : ['one address', 'two'];
    if (!force || node.uuid !== master?.uuid)
      throw new MerapiError(
        'wrong_input',
        `The nodes of this cluster have ${now}; to give them ${then}, begin with the master node and give force`,
      );
    log(`The master node has ${then} from now on; every other node needs the same`);
  }
  const mirrored = [...view.instancesOn(node.uuid), ...view.secondariesOn(node.uuid)].filter((instance) =>
    view.disksOf(instance).some((disk) => templates[disk.dev_type].mirrored),
  );
  const used = node.offline ? mirrored : mirrored.filter((instance) => isRunning(runtime, instance));
  if (used.length > 0)
    throw new MerapiError(
      'wrong_state',
      `The address is used by the mirrored disks of ${used.map(({ name }) => name).join(', ')}`,
    );
}
