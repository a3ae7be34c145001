import type { ClusterView } from '../model/view.ts';
import type { exportFields } from '../query/fields/export.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import { type ExportRow, NODATA, normal, type Value, type Values } from './define.ts';

const values: Record<keyof typeof exportFields, Value<ExportRow>> = {
  export: ({ instance }) => (instance === null ? NODATA : normal(instance)),
  node: ({ node }) => normal(node),
};

/** The value of every field of an export. */
export const exportValues: Values<ExportRow> = new Map(Object.entries(values));

/** All exports, by node and name; a node that does not answer, or has never kept any, has a line without one, as in Ganeti. */
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
