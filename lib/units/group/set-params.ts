// OP_GROUP_SET_PARAMS: changes a node group. A new instance policy may be violated by existing instances; these are only logged.

import { MerapiError } from '../../base/errors.ts';
import { pythonText } from '../../base/python.ts';
import { fillIPolicy } from '../../model/fill.ts';
import { groupNamed } from '../../model/find.ts';
import { refuseStates, updatedValues } from '../../model/given-params.ts';
import { updatedDiskParams, updatedGroupPolicy } from '../../model/group-params.ts';
import { type IPolicy, ipolicyViolations } from '../../model/ipolicy.ts';
import { ndParamKinds } from '../../model/ndparams.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import { changed } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { groupSetParams as opcode } from '../../opcodes/group/set-params.ts';
import { put } from '../../store/changes.ts';
import { specOfInstance } from '../checks/spec.ts';
import { defineUnit } from '../define.ts';
import { groupHooks } from '../hooks/hooks.ts';

export const groupSetParams = defineUnit(opcode, {
  check({ view, log }, params) {
    const { alloc_policy, ndparams, diskparams, ipolicy, hv_state, disk_state } = params;
    const given = [alloc_policy, ndparams, diskparams, ipolicy, hv_state, disk_state];
    if (given.every((value) => value === null))
      throw new MerapiError(
        'wrong_input',
        'Nothing is to be changed; give one of alloc_policy, ndparams, diskparams, ipolicy',
      );
    refuseStates(params);
    const group = groupNamed(view, params.group_name);
    const patch: Partial<NodeGroup> = {};
    const result: [string, string][] = [];
    if (alloc_policy !== null) patch.alloc_policy = alloc_policy;
    if (ndparams !== null) {
      patch.ndparams = updatedValues(group.ndparams, ndparams, ndParamKinds);
      result.push(['ndparams', pythonText(patch.ndparams)]);
    }
    if (diskparams !== null) {
      patch.diskparams = updatedDiskParams(group.diskparams, diskparams);
      result.push(['diskparams', pythonText(patch.diskparams)]);
    }
    if (ipolicy !== null) {
      patch.ipolicy = updatedGroupPolicy(view.cluster, group.ipolicy, ipolicy);
      const violating = violatingInstances(view, group, fillIPolicy(view.cluster.ipolicy, patch.ipolicy));
      if (violating.length > 0)
        log(`These instances violate the new instance policy: ${violating.join(', ')}`);
    }
    return { uuid: group.uuid, patch, result };
  },

  hooks: (view, { uuid }, { alloc_policy }) => {
    const group = view.groups.get(uuid);
    const env = { NEW_ALLOC_POLICY: alloc_policy };
    return group ? groupHooks(view, 'group-modify', group.name, { env }) : null;
  },

  async run(context, { uuid, patch, result }) {
    const now = context.clock.seconds();
    return {
      result,
      changes: (view) => {
        const group = view.groups.get(uuid);
        return group ? [put('nodegroup', changed(group, patch, now))] : [];
      },
    };
  },
});

/** The names of the instances of a group that violate a policy. */
function violatingInstances(view: ClusterView, group: NodeGroup, policy: IPolicy): string[] {
  const instances = view.nodesOf(group.uuid).flatMap((node) => view.instancesOn(node.uuid));
  const violating = instances.filter((instance) => {
    const spec = specOfInstance(view, instance, view.disksOf(instance));
    return ipolicyViolations(policy, spec).length > 0;
  });
  return violating.map(({ name }) => name);
}
