// OP_NODE_EVACUATE: submits one job for each instance that has to leave the node. It moves nothing itself.

import { MerapiError } from '../../base/errors.ts';
import { checkTakes, nodeNamed } from '../../model/find.ts';
import type { OpInput } from '../../model/job.ts';
import type { Node } from '../../model/node.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import { nodeEvacuate as opcode } from '../../opcodes/node/evacuate.ts';
import { allocatorOf } from '../../placement/iallocator.ts';
import { movingJobs } from '../../placement/placement.ts';
import { defineUnit } from '../define.ts';

type Request = ValuesOf<typeof opcode>;

export const nodeEvacuate = defineUnit(opcode, {
  async check(context, params) {
    const { view, resolve } = context;
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    const remote = params.remote_node === null ? null : nodeNamed(view, params.remote_node);
    if (remote) resolve({ remote_node: remote.name, remote_node_uuid: remote.uuid });
    if (remote && params.iallocator !== null)
      throw new MerapiError('wrong_input', 'Give remote_node or iallocator, not both');
    if (params.mode === 'all')
      throw new MerapiError(
        'wrong_input',
        "Primary and secondary instances are evacuated by separate jobs: give mode 'primary-only', then 'secondary-only'",
      );
    if (remote) checkRemote(node, remote, params);
    const instances =
      params.mode === 'primary-only' ? view.instancesOn(node.uuid) : view.secondariesOn(node.uuid);
    if (remote) return { jobs: instances.map(({ name }) => [toRemote(name, remote, params)]) };
    const allocator = allocatorOf(view, params.iallocator, 'remote_node');
    const { mode: evac_mode, early_release } = params;
    const ignore_soft_errors = params.ignore_soft_errors === true;
    const question = { type: 'node-evacuate', instances, evac_mode, ignore_soft_errors } as const;
    return { jobs: await movingJobs(context, allocator, question, early_release) };
  },

  async run(context, { jobs }) {
    if (jobs.length === 0) context.log('There is nothing to evacuate');
    return { result: { jobs: [] }, jobs };
  },
});

/** @throws MerapiError wrong_input, wrong_state when remote_node cannot be the new secondary node */
function checkRemote(node: Node, remote: Node, { mode }: Request): void {
  if (mode !== 'secondary-only')
    throw new MerapiError(
      'wrong_input',
      "remote_node is only for mode 'secondary-only'; for primary instances give iallocator",
    );
  if (remote.uuid === node.uuid)
    throw new MerapiError(
      'wrong_input',
      `remote_node must be another node than ${node.name}, which is evacuated`,
    );
  checkTakes(remote);
}

/** The opcode that gives an instance its new secondary node. */
function toRemote(instance_name: string, remote: Node, { early_release }: Request): OpInput {
  return {
    OP_ID: 'OP_INSTANCE_REPLACE_DISKS',
    instance_name,
    mode: 'replace_new_secondary',
    early_release,
    remote_node: remote.name,
  };
}
