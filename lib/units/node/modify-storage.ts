// OP_NODE_MODIFY_STORAGE: changes whether new volumes can be placed on a physical volume (`allocatable`). Nothing else can be changed.

import { MerapiError } from '../../base/errors.ts';
import { nodeNamed } from '../../model/find.ts';
import { listable, storageFolders } from '../../model/listed-storage.ts';
import { nodeModifyStorage as opcode } from '../../opcodes/node/modify-storage.ts';
import { defineUnit } from '../define.ts';

export const nodeModifyStorage = defineUnit(opcode, {
  async check({ view, nodes, resolve }, params) {
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    if (params.storage_type !== 'lvm-pv')
      throw new MerapiError(
        'wrong_input',
        `Storage of type '${params.storage_type}' cannot be modified; only lvm-pv can`,
      );
    const { allocatable, ...others } = params.changes;
    const unchangeable = Object.keys(others);
    if (unchangeable.length > 0)
      throw new MerapiError(
        'wrong_input',
        `${unchangeable.join(', ')} cannot be changed; only allocatable can`,
      );
    if (allocatable !== undefined && typeof allocatable !== 'boolean')
      throw new MerapiError('wrong_input', 'allocatable must be true or false');
    if (params.name === null)
      throw new MerapiError('wrong_input', 'name is missing: give the name of the physical volume');
    const type = listable(view, params.storage_type);
    const { units } = await nodes.call(node, 'storage.list', { type, folders: storageFolders(view, type) });
    const unit = units.find(({ name }) => name === params.name);
    if (!unit)
      throw new MerapiError(
        'wrong_input',
        `Node ${node.name} has no ${type} '${params.name}'; it has ${units.map(({ name }) => name).join(', ') || 'none'}`,
      );
    return { node, type, unit, allocatable };
  },

  async run(context, { node, type, unit, allocatable }) {
    if (allocatable === undefined) return { result: null };
    const { name } = unit;
    await context.call('modify', node, 'storage.modify', { type, name, allocatable }, [
      { call: 'storage.modify', params: { type, name, allocatable: unit.allocatable } },
    ]);
    return { result: null };
  },
});
