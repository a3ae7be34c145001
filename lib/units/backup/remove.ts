// OP_BACKUP_REMOVE: removes the exports of an instance from all nodes that are not offline. The instance itself need not exist any more.

import { hostNamed } from '../../model/lookup.ts';
import { backupRemove as opcode } from '../../opcodes/backup/remove.ts';
import { defineUnit } from '../define.ts';
import { exportNodes, removeExports } from './exports.ts';

export const backupRemove = defineUnit(opcode, {
  check({ view, resolve }, params) {
    const instance = hostNamed(view.instances, params.instance_name);
    if (instance) resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    return { name: instance?.name ?? params.instance_name.toLowerCase(), nodes: exportNodes(view) };
  },

  async run(context, { name, nodes }) {
    const count = await removeExports(context, nodes, name, async (step) => void (await step()));
    if (count === 0)
      context.log(
        `There is no export of ${name}; an instance that no longer exists must be given by its full name`,
      );
    return { result: null };
  },
});
