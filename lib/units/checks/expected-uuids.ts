import { MerapiError } from '../../base/errors.ts';
import { hostNamed } from '../../model/lookup.ts';
import type { ClusterView } from '../../model/view.ts';

/** Parameters that name an instance or a node, each with the one that may tell its uuid too. */
const pairs = [
  ['instances', 'instance_name', 'instance_uuid'],
  ['nodes', 'node_name', 'node_uuid'],
  ['nodes', 'pnode', 'pnode_uuid'],
  ['nodes', 'snode', 'snode_uuid'],
  ['nodes', 'src_node', 'src_node_uuid'],
  ['nodes', 'remote_node', 'remote_node_uuid'],
  ['nodes', 'target_node', 'target_node_uuid'],
] as const;

/**
 * A request that gives a name and a uuid means one certain object: not another one that has got the name since.
 * @throws MerapiError resource_not_unique when the object of that name has another uuid
 */
export function checkExpectedUuids(params: Readonly<Record<string, unknown>>, view: ClusterView): void {
  for (const [table, nameParam, uuidParam] of pairs) {
    const [name, uuid] = [params[nameParam], params[uuidParam]];
    if (typeof name !== 'string' || typeof uuid !== 'string') continue;
    const found = hostNamed<{ name: string; uuid: string }>(view[table], name);
    if (found && found.uuid !== uuid)
      throw new MerapiError(
        'resource_not_unique',
        `${found.name} has the uuid ${found.uuid}, not ${uuid} as ${uuidParam} says; leave ${uuidParam} out or give the right one`,
      );
  }
}
