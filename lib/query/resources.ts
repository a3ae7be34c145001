import { MerapiError } from '../base/errors.ts';
import type { FieldTable, QueryFieldsAnswer } from './define.ts';
import { clusterTable } from './fields/cluster.ts';
import { exportTable } from './fields/export.ts';
import { filterTable } from './fields/filter.ts';
import { groupTable } from './fields/group.ts';
import { instanceTable } from './fields/instance.ts';
import { jobTable } from './fields/job.ts';
import { lockTable } from './fields/lock.ts';
import { networkTable } from './fields/network.ts';
import { nodeTable } from './fields/node.ts';
import { osTable } from './fields/os.ts';

/** What can be queried: each resource with its fields. */
export const resources = {
  instance: instanceTable,
  node: nodeTable,
  group: groupTable,
  network: networkTable,
  job: jobTable,
  export: exportTable,
  filter: filterTable,
  lock: lockTable,
  os: osTable,
  cluster: clusterTable,
} as const satisfies Record<string, FieldTable>;
export type ResourceName = keyof typeof resources;

/** The resource with this name. @throws MerapiError bad_request naming those that exist. */
export function resourceName(name: string): ResourceName {
  if (Object.hasOwn(resources, name)) return name as ResourceName;
  throw new MerapiError(
    'bad_request',
    `There is no resource '${name}' to query; there are ${Object.keys(resources).join(', ')}`,
  );
}

/**
 * The fields of a resource, or the named ones in the given order; a field that does not exist is of kind `unknown`.
 * @throws MerapiError bad_request when there is no such resource.
 */
export function describeFields(resource: string, names: readonly string[] | null): QueryFieldsAnswer {
  const table: FieldTable = resources[resourceName(resource)];
  const fields = (names ?? [...table.keys()]).map((name) => {
    const field = table.get(name);
    if (!field)
      return { name, title: name, kind: 'unknown' as const, doc: `There is no such field of ${resource}.` };
    return { name, title: field.title, kind: field.kind, doc: field.doc };
  });
  return { fields };
}
