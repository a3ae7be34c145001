import { randomUUID } from 'node:crypto';
import { MerapiError } from '../../base/errors.ts';
import { type DiskTemplate, diskParamDefaults, diskParamKinds } from '../../model/diskparams/index.ts';
import type { ParamValues } from '../../model/enforce.ts';
import { PartialIPolicy } from '../../model/ipolicy.ts';
import { ndParamKinds } from '../../model/ndparams.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import { newObject } from '../../model/object.ts';
import { groupAdd as opcode } from '../../opcodes/group/add.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { ownValues, refuseStates } from '../steps/params.ts';

export const groupAdd = defineUnit(opcode, {
  check({ view, clock }, params) {
    refuseStates(params);
    const existing = view.groups.named(params.group_name);
    if (existing)
      throw new MerapiError(
        'already_exists',
        `There is a node group '${params.group_name}' already (${existing.uuid})`,
      );
    if (!/^[\w.-]+$/.test(params.group_name))
      throw new MerapiError(
        'wrong_input',
        `'${params.group_name}' is no group name; use letters, digits, '.', '_' and '-'`,
      );
    const policy = PartialIPolicy.safeParse(params.ipolicy ?? {});
    if (!policy.success) {
      const where = policy.error.issues.map(
        (issue) => `${issue.path.join('/') || 'ipolicy'}: ${issue.message}`,
      );
      throw new MerapiError('wrong_input', `The instance policy is not right: ${where.join('; ')}`);
    }
    const group: NodeGroup = {
      ...newObject(randomUUID(), clock.seconds()),
      name: params.group_name,
      alloc_policy: params.alloc_policy ?? 'preferred',
      ndparams: ownValues(params.ndparams ?? {}, ndParamKinds),
      diskparams: ownDiskParams(params.diskparams ?? {}),
      ipolicy: policy.data,
      tags: [],
    };
    return { group };
  },
  run: async (_context, { group }) => ({ result: null, changes: () => [put('nodegroup', group)] }),
});

function ownDiskParams(given: Record<string, ParamValues>): Record<string, ParamValues> {
  const own: Record<string, ParamValues> = {};
  for (const [template, values] of Object.entries(given)) {
    const names = Object.keys(diskParamDefaults[template as DiskTemplate]);
    const kinds = Object.fromEntries(Object.entries(diskParamKinds).filter(([name]) => names.includes(name)));
    own[template] = ownValues(values, kinds);
  }
  return own;
}
