// OP_NODE_QUERY_STORAGE: lists the storage units (volume groups, physical volumes, folders) of nodes as rows of the requested fields.
// Offline nodes are left out; a node that does not answer is logged.

import { MerapiError } from '../../base/errors.ts';
import { nodeNamed } from '../../model/find.ts';
import { listable, storageFolders } from '../../model/listed-storage.ts';
import { compareNames } from '../../model/names.ts';
import { storageFields } from '../../model/storage.ts';
import { usedStorage } from '../../model/templates/index.ts';
import { nodeQueryStorage as opcode } from '../../opcodes/node/query-storage.ts';
import { defineUnit } from '../define.ts';

/** The fields of a storage unit: `node` and `type` come from the master, the others from the node. */
const knownFields: readonly string[] = ['node', 'type', ...storageFields];

export const nodeQueryStorage = defineUnit(opcode, {
  check({ view, resolve }, params) {
    const unknown = params.output_fields.filter((field) => !knownFields.includes(field));
    if (unknown.length > 0)
      throw new MerapiError(
        'wrong_input',
        `Storage units have no field ${unknown.join(', ')}; known are ${knownFields.join(', ')}`,
      );
    const named = params.nodes.map((name) => nodeNamed(view, name));
    if (named.length > 0) resolve({ nodes: named.map(({ name }) => name) });
    const type = params.storage_type ?? usedStorage(view.cluster.enabled_disk_templates)[0] ?? 'diskless';
    const nodes = (named.length > 0 ? named : view.nodes.list()).filter((node) => !node.offline);
    return { type: listable(view, type), nodes };
  },

  async run(context, { type, nodes }, params) {
    const rows = await context.step('units', async (tools) => {
      const folders = storageFolders(tools.view, type);
      const answers = await tools.nodes.callAll(nodes, 'storage.list', { type, folders });
      const rows: unknown[][] = [];
      for (const node of nodes) {
        const answer = answers.get(node.uuid);
        if (!answer) continue;
        if ('failure' in answer) {
          context.log(`Node ${node.name} does not report its storage: ${answer.failure.message}`);
          continue;
        }
        const { units } = answer.result;
        for (const unit of units.toSorted((a, b) => compareNames(a.name, b.name))) {
          if (params.name !== null && unit.name !== params.name) continue;
          const all: Readonly<Record<string, unknown>> = { ...unit, node: node.name, type };
          rows.push(params.output_fields.map((field) => all[field]));
        }
      }
      return rows;
    });
    return { result: rows };
  },
});
