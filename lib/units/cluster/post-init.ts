// OP_CLUSTER_POST_INIT: checks that the master node can run all enabled hypervisors, and runs the hooks of a new cluster.

import { MerapiError } from '../../base/errors.ts';
import { clusterPostInit as opcode } from '../../opcodes/cluster/post-init.ts';
import { defineUnit } from '../define.ts';
import { clusterHooks } from '../hooks/hooks.ts';

export const clusterPostInit = defineUnit(opcode, {
  async check({ view, nodes }) {
    const master = view.nodes.get(view.cluster.master_node);
    if (!master) throw new MerapiError('internal_error', 'The cluster has no master node');
    const worker = await nodes.call(master, 'node.hello', {});
    const missing = view.cluster.enabled_hypervisors.filter(
      (hypervisor) => !worker.hypervisors.includes(hypervisor),
    );
    if (missing.length > 0)
      throw new MerapiError(
        'environment_error',
        `Node ${master.name} cannot run ${missing.join(', ')}; it runs ${worker.hypervisors.join(', ')}`,
      );
    return null;
  },

  hooks: (view) => ({ ...clusterHooks(view, 'cluster-init'), pre: [] }),

  run: async () => ({ result: true }),
});
