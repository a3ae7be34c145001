// OP_GROUP_ASSIGN_NODES: moves nodes to a node group. It is refused, without force, if the two nodes of a mirrored instance would then
// be in different groups and were not before.

import { MerapiError } from '../../base/errors.ts';
import { groupNamed, nodeNamed } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { nodesOf } from '../../model/mirror.ts';
import { changed } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { groupAssignNodes as opcode } from '../../opcodes/group/assign-nodes.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';

export const groupAssignNodes = defineUnit(opcode, {
  check({ view, resolve, log }, params) {
    const nodes = [...new Set(params.nodes.map((name) => nodeNamed(view, name)))];
    resolve({ nodes: nodes.map(({ name }) => name), node_uuids: nodes.map(({ uuid }) => uuid) });
    const group = groupNamed(view, params.group_name);
    const moved = new Set(nodes.map(({ uuid }) => uuid));
    const instances = nodes.flatMap(({ uuid }) => [...view.instancesOn(uuid), ...view.secondariesOn(uuid)]);
    const groupAfter = (node: string) => (moved.has(node) ? group.uuid : view.nodes.get(node)?.group);
    const split = [...new Set(instances)].filter((instance) => isSplit(view, instance, groupAfter));
    const groupBefore = (node: string) => view.nodes.get(node)?.group;
    const added = split.filter((instance) => !isSplit(view, instance, groupBefore));
    const names = (list: readonly Instance[]) => list.map(({ name }) => name).join(', ');
    if (added.length > 0 && !params.force)
      throw new MerapiError(
        'execution',
        `These instances would have their disks in two groups: ${names(added)}; move their nodes together, or give force`,
      );
    if (split.length > 0) log(`These instances have their disks in two groups: ${names(split)}`);
    return { group: group.uuid, nodes: [...moved] };
  },

  async run(context, { group, nodes }) {
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) =>
        nodes.flatMap((uuid) => {
          const node = view.nodes.get(uuid);
          return node && node.group !== group ? [put('node', changed(node, { group }, now))] : [];
        }),
    };
  },
});

/** Whether the nodes of an instance are in different groups; `groupOf` says which group (uuid) a node (uuid) is in. */
function isSplit(
  view: ClusterView,
  instance: Instance,
  groupOf: (node: string) => string | undefined,
): boolean {
  return new Set(nodesOf(view, instance).map(groupOf)).size > 1;
}
