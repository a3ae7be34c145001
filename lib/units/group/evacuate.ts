// OP_GROUP_EVACUATE: submits one job for each instance that has to leave the group. It moves nothing itself.

import { groupNamed } from '../../model/find.ts';
import type { OpInput } from '../../model/job.ts';
import { groupEvacuate as opcode } from '../../opcodes/group/evacuate.ts';
import { allocatorOf } from '../../placement/iallocator.ts';
import { movingJobs } from '../../placement/placement.ts';
import { groupsOf, targetGroups } from '../../placement/target-groups.ts';
import { defineUnit } from '../define.ts';
import { groupHooks } from '../hooks/hooks.ts';

export const groupEvacuate = defineUnit(opcode, {
  async check(context, params) {
    const { view } = context;
    const group = groupNamed(view, params.group_name);
    const targets = targetGroups(view, params.target_groups, [group.uuid]);
    const instances = view.instances.list().filter((each) => groupsOf(view, each).includes(group.uuid));
    const target_groups = targets.map(({ uuid }) => uuid);
    const question = { type: 'change-group', instances, target_groups } as const;
    const allocator = allocatorOf(view, params.iallocator, null);
    const chosen = await movingJobs(context, allocator, question, params.early_release);
    const jobs = params.force_failover ? chosen.map((ops) => ops.map(failover)) : chosen;
    return {
      name: group.name,
      targets: target_groups,
      nodes: view.nodesOf(group.uuid).map(({ uuid }) => uuid),
      jobs: params.sequential ? jobs.map(afterPrevious) : jobs,
    };
  },

  hooks: (view, { name, targets, nodes }) =>
    groupHooks(view, 'group-evacuate', name, { env: { TARGET_GROUPS: targets }, pre: nodes }),

  async run(context, { jobs }) {
    if (jobs.length === 0) context.log('There is nothing to evacuate');
    return { result: { jobs: [] }, jobs };
  },
});

/** A failover instead of a migration; other opcodes stay as they are. */
function failover(op: OpInput): OpInput {
  if (op.OP_ID !== 'OP_INSTANCE_MIGRATE') return op;
  const { instance_name, target_node, ignore_ipolicy } = op;
  const target = target_node === undefined ? {} : { target_node };
  return { OP_ID: 'OP_INSTANCE_FAILOVER', instance_name, ...target, ignore_ipolicy };
}

/** The opcodes of a job that waits for the previous job, however that ends. */
function afterPrevious(ops: readonly OpInput[], index: number): OpInput[] {
  if (index === 0) return [...ops];
  return ops.map((op) => ({ ...op, depends: [[-1, ['error', 'success', 'canceled']]] }));
}
