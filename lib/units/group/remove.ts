import { MerapiError } from '../../base/errors.ts';
import { groupNamed } from '../../model/find.ts';
import { groupRemove as opcode } from '../../opcodes/group/remove.ts';
import { remove } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { groupHooks } from '../hooks/hooks.ts';

export const groupRemove = defineUnit(opcode, {
  check({ view }, params) {
    const group = groupNamed(view, params.group_name);
    const nodes = view.nodesOf(group.uuid);
    if (nodes.length > 0)
      throw new MerapiError(
        'wrong_state',
        `Node group ${group.name} is not empty: ${nodes.map((node) => node.name).join(', ')}`,
      );
    if (view.groups.size === 1)
      throw new MerapiError('wrong_state', `Node group ${group.name} is the only one and cannot be removed`);
    return { uuid: group.uuid };
  },

  hooks: (view, { uuid }) => {
    const group = view.groups.get(uuid);
    return group ? groupHooks(view, 'group-remove', group.name) : null;
  },

  run: async (_context, { uuid }) => ({ result: null, changes: () => [remove('nodegroup', uuid)] }),
});
