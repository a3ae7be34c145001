// OP_INSTANCE_CHANGE_GROUP: submits the jobs that move an instance to another node group. It moves nothing itself.

import { instanceNamed } from '../../model/find.ts';
import { instanceChangeGroup as opcode } from '../../opcodes/instance/change-group.ts';
import { allocatorOf } from '../../placement/iallocator.ts';
import { movingJobs } from '../../placement/placement.ts';
import { groupsOf, targetGroups } from '../../placement/target-groups.ts';
import { defineUnit } from '../define.ts';
import { hooksOfInstance } from '../hooks/hooks.ts';

export const instanceChangeGroup = defineUnit(opcode, {
  async check(context, params) {
    const { view, resolve } = context;
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const targets = targetGroups(view, params.target_groups, groupsOf(view, instance));
    const target_groups = targets.map(({ uuid }) => uuid);
    const question = { type: 'change-group', instances: [instance], target_groups } as const;
    const allocator = allocatorOf(view, params.iallocator, null);
    const jobs = await movingJobs(context, allocator, question, params.early_release);
    return { uuid: instance.uuid, targets: target_groups, jobs };
  },

  hooks: (view, { uuid, targets }) => {
    const instance = view.instances.get(uuid);
    const env = { TARGET_GROUPS: targets };
    return instance ? hooksOfInstance(view, 'instance-change-group', instance, { env, pre: [] }) : null;
  },

  run: async (_context, { jobs }) => ({ result: { jobs: [] }, jobs }),
});
