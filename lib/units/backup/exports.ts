import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { RunContext } from '../define.ts';

/** The nodes that can be asked for exports: all that are not offline. */
export function exportNodes(view: ClusterView): Node[] {
  return view.nodes.list().filter((node) => !node.offline);
}

/**
 * Removes the exports of an instance from those of the nodes that have one, and logs it. `attempt` runs the step of each removal and
 * decides about its failure (see tolerant). Returns how many nodes had one.
 */
export async function removeExports(
  context: RunContext,
  nodes: readonly Node[],
  instance_name: string,
  attempt: (step: () => Promise<unknown>) => Promise<void>,
): Promise<number> {
  const found = await context.step('exports', async (tools) => {
    const answers = await tools.nodes.callAll(nodes, 'backup.list', {});
    return nodes.map(({ uuid }) => {
      const answer = answers.get(uuid);
      if (!answer || 'failure' in answer) return null;
      return answer.result.exports?.includes(instance_name) ?? false;
    });
  });
  for (const [index, node] of nodes.entries()) {
    if (found[index] === null) context.log(`Node ${node.name} does not answer: an export may be left there`);
    if (!found[index]) continue;
    context.log(`Removing the export on node ${node.name}`);
    await attempt(() => context.call(`export/${node.uuid}/remove`, node, 'backup.remove', { instance_name }));
  }
  return found.filter((each) => each === true).length;
}
