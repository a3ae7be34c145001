// OP_CLUSTER_REDIST_CONF: nodes keep no copy of the configuration, so there is nothing to distribute. Logs the nodes that do not answer.

import { clusterRedistConf as opcode } from '../../opcodes/cluster/redist-conf.ts';
import { defineUnit } from '../define.ts';

export const clusterRedistConf = defineUnit(opcode, {
  async check({ view, nodes, log }) {
    const online = view.nodes.list().filter((node) => !node.offline);
    const answers = await nodes.callAll(online, 'node.hello', {});
    for (const { uuid, name } of online) {
      const answer = answers.get(uuid);
      if (answer && 'failure' in answer) log(`Node ${name} does not answer: ${answer.failure.message}`);
    }
    return null;
  },
  run: async () => ({ result: null }),
});
