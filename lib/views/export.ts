import type { ClusterView } from '../model/view.ts';
import type { exportFields } from '../query/fields/export.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import { type ExportRow, type FieldReader, type FieldReaders, NODATA, normal } from './define.ts';

const values: Record<keyof typeof exportFields, FieldReader<ExportRow>> = {
  export: ({ instance }) => (instance === null ? NODATA : normal(instance)),
  node: ({ node }) => normal(node),
};

/** The readers of all fields of an export. */
export const exportValues: FieldReaders<ExportRow> = new Map(Object.entries(values));

/**
 * The exports of all nodes, ordered by node and name. As in Ganeti, a node that does not answer or never had exports has one row without
 * an instance.
 */
export async function listExports(
  view: ClusterView,
  nodes: NodeCaller,
): Promise<{ node: string; instance: string | null }[]> {
  const all = view.nodes.list();
  const answers = await nodes.callAll(all, 'backup.list', {});
  return all.flatMap(({ uuid, name: node }) => {
    const answer = answers.get(uuid);
    const exports = answer && 'result' in answer ? answer.result.exports : null;
    return (exports ?? [null]).map((instance) => ({ node, instance }));
  });
}
