// OP_NODE_REMOVE: removes a node without instances, or cancels the wait for a node that has not joined yet (facts without uuid).

import { MerapiError } from '../../base/errors.ts';
import { nodeNamed } from '../../model/find.ts';
import { nodeRemove as opcode } from '../../opcodes/node/remove.ts';
import { remove } from '../../store/changes.ts';
import { fillPool, missingCandidates } from '../checks/candidates.ts';
import { defineUnit } from '../define.ts';
import { nodeHooks, otherNodes } from '../hooks/hooks.ts';
import { isOnlyAwaited, noLongerAwaited } from './awaited.ts';

export const nodeRemove = defineUnit(opcode, {
  version: 2, // 1: without the name
  check({ view, resolve, log }, params) {
    if (isOnlyAwaited(view, params.node_name)) {
      log(`Node ${params.node_name} is not in the cluster; it is no longer awaited`);
      return { uuid: null, name: params.node_name.toLowerCase() };
    }
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    if (node.uuid === view.cluster.master_node)
      throw new MerapiError('wrong_input', `Node ${node.name} is the master node and cannot be removed`);
    const held = [...view.instancesOn(node.uuid), ...view.secondariesOn(node.uuid)];
    if (held.length > 0)
      throw new MerapiError(
        'wrong_input',
        `Node ${node.name} has the instances ${held.map(({ name }) => name).join(', ')}; move or remove them first`,
      );
    for (const { name } of missingCandidates(view, { without: node.uuid }))
      log(`${name} becomes a master candidate`);
    return { uuid: node.uuid, name: node.name };
  },

  hooks: (view, { uuid }) => {
    const node = uuid === null ? undefined : view.nodes.get(uuid);
    return uuid !== null && node
      ? nodeHooks(view, 'node-remove', node, { pre: otherNodes(view, uuid) })
      : null;
  },

  run: async (context, { uuid, name }) => {
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) =>
        uuid === null
          ? noLongerAwaited(view, name)
          : [remove('node', uuid), ...fillPool(view, now, { without: uuid })],
    };
  },
});
