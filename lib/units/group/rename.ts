// OP_GROUP_RENAME. The hooks show the old name, before the opcode and after it.

import { MerapiError } from '../../base/errors.ts';
import { groupNamed } from '../../model/find.ts';
import { checkObjectName } from '../../model/names.ts';
import { changed } from '../../model/object.ts';
import { groupRename as opcode } from '../../opcodes/group/rename.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { groupHooks } from '../hooks/hooks.ts';

export const groupRename = defineUnit(opcode, {
  check({ view }, { group_name, new_name }) {
    const group = groupNamed(view, group_name);
    const existing = view.groups.named(new_name);
    if (existing)
      throw new MerapiError(
        'already_exists',
        `There is a node group '${new_name}' already (${existing.uuid})`,
      );
    checkObjectName(new_name, 'node group');
    return { uuid: group.uuid };
  },

  hooks: (view, { uuid }, { group_name, new_name }) => {
    const env = { OLD_NAME: group_name, NEW_NAME: new_name };
    const nodes = view.nodesOf(uuid).map((node) => node.uuid);
    return groupHooks(view, 'group-rename', group_name, { env, pre: nodes });
  },

  async run(context, { uuid }, { new_name }) {
    const now = context.clock.seconds();
    return {
      result: new_name,
      changes: (view) => {
        const group = view.groups.get(uuid);
        return group ? [put('nodegroup', changed(group, { name: new_name }, now))] : [];
      },
    };
  },
});
