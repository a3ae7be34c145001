// OP_NODE_MIGRATE: submits one migration job for each primary instance of the node. It moves nothing itself.

import { MerapiError } from '../../base/errors.ts';
import { nodeNamed } from '../../model/find.ts';
import { nodeMigrate as opcode } from '../../opcodes/node/migrate.ts';
import { defineUnit } from '../define.ts';
import { nodeHooks } from '../hooks/hooks.ts';

export const nodeMigrate = defineUnit(opcode, {
  check({ view, resolve, log }, params) {
    const node = nodeNamed(view, params.node_name);
    resolve({ node_uuid: node.uuid });
    const target = params.target_node === null ? null : nodeNamed(view, params.target_node);
    if (target) resolve({ target_node: target.name, target_node_uuid: target.uuid });
    if (target && params.iallocator !== null)
      throw new MerapiError('wrong_input', 'Give target_node or iallocator, not both');
    if (params.mode !== null && params.live !== null)
      throw new MerapiError('wrong_input', 'Give mode or live, not both');
    if (node.offline) log(`Node ${node.name} is offline: its instances are failed over`);
    return {
      instances: view.instancesOn(node.uuid).map(({ name }) => name),
      target: target?.name ?? null,
      isLost: node.offline,
    };
  },

  hooks: (view, _facts, { node_name, allow_runtime_changes }) => {
    const env = { ALLOW_RUNTIME_CHANGES: allow_runtime_changes };
    return nodeHooks(view, 'node-migrate', nodeNamed(view, node_name), { env });
  },

  async run(context, { instances, target, isLost }, params) {
    if (instances.length === 0) context.log('The node has no primary instances');
    const { mode, live, iallocator, allow_runtime_changes, ignore_ipolicy } = params;
    const migration = {
      ...{ mode, live, iallocator, target_node: target, allow_runtime_changes, ignore_ipolicy },
      // Instances of an offline node cannot be migrated, only failed over.
      ...(isLost ? { allow_failover: true } : {}),
    };
    return {
      result: { jobs: [] },
      jobs: instances.map((instance_name) => [{ OP_ID: 'OP_INSTANCE_MIGRATE', instance_name, ...migration }]),
    };
  },
});
