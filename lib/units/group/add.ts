import { MerapiError } from '../../base/errors.ts';
import { ownValues, refuseStates } from '../../model/given-params.ts';
import { updatedDiskParams, updatedGroupPolicy } from '../../model/group-params.ts';
import { checkObjectName } from '../../model/names.ts';
import { ndParamKinds } from '../../model/ndparams.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import { newObject } from '../../model/object.ts';
import { groupAdd as opcode } from '../../opcodes/group/add.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { groupHooks } from '../hooks/hooks.ts';

export const groupAdd = defineUnit(opcode, {
  check({ view, clock, random }, params) {
    refuseStates(params);
    const existing = view.groups.named(params.group_name);
    if (existing)
      throw new MerapiError(
        'already_exists',
        `There is a node group '${params.group_name}' already (${existing.uuid})`,
      );
    checkObjectName(params.group_name, 'node group');
    const group: NodeGroup = {
      ...newObject(random.uuid(), clock.seconds()),
      name: params.group_name,
      alloc_policy: params.alloc_policy ?? 'preferred',
      ndparams: ownValues(params.ndparams ?? {}, ndParamKinds),
      diskparams: updatedDiskParams({}, params.diskparams ?? {}),
      ipolicy: updatedGroupPolicy(view.cluster, {}, params.ipolicy ?? {}),
      networks: {},
      tags: [],
    };
    return { group };
  },

  hooks: (view, { group }) => groupHooks(view, 'group-add', group.name),

  run: async (_context, { group }) => ({ result: null, changes: () => [put('nodegroup', group)] }),
});
