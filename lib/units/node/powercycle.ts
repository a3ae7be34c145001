// OP_NODE_POWERCYCLE: reboots the host of a node as by its power switch, without a shutdown of its instances. The node decides whether
// its worker may do that.

import { MerapiError } from '../../base/errors.ts';
import { nodeNamed } from '../../model/find.ts';
import { nodePowercycle as opcode } from '../../opcodes/node/powercycle.ts';
import { defineUnit } from '../define.ts';

export const nodePowercycle = defineUnit(opcode, {
  check({ view, resolve }, params) {
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    if (node.uuid === view.cluster.master_node && !params.force)
      throw new MerapiError(
        'wrong_input',
        `Node ${node.name} is the master node; give force if the cluster may be unavailable until it is back`,
      );
    return { node };
  },

  async run(context, { node }) {
    const { message } = await context.call('powercycle', node, 'node.powercycle', {});
    return { result: message };
  },
});
