import { MerapiError } from '../../base/errors.ts';
import { changed } from '../../model/object.ts';
import { groupRename as opcode } from '../../opcodes/group/rename.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { groupNamed } from '../steps/find.ts';
import { checkGroupName } from '../steps/group-params.ts';

export const groupRename = defineUnit(opcode, {
  check({ view }, { group_name, new_name }) {
    const group = groupNamed(view, group_name);
    const existing = view.groups.named(new_name);
    if (existing)
      throw new MerapiError(
        'already_exists',
        `There is a node group '${new_name}' already (${existing.uuid})`,
      );
    checkGroupName(new_name);
    return { uuid: group.uuid };
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
