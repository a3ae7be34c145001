import { MerapiError } from '../../base/errors.ts';
import { hostNamed } from '../../model/lookup.ts';
import type { ClusterView } from '../../model/view.ts';

/** Parameters that name an instance or a node: the table, the parameter with the name, the one with the expected uuid. */
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
 * Checks that the objects which a request names have the uuids that it gives. So a request with a uuid does not act on another object
 * that got the name in the meantime. Names that do not exist are left to the unit.
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
