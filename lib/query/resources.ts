import { MerapiError } from '../base/errors.ts';
import type { Action } from '../model/access.ts';
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

/** What only users may see, as in Ganeti, which shows it in queries alone. */
const onlyQueried: readonly ResourceName[] = ['export', 'lock'];

/** What someone must be allowed to do to see these fields of a resource in lists and descriptions; a query needs `read` always. */
export function accessTo(resource: ResourceName, fields: readonly string[]): Exclude<Action, 'write'> {
  const table: FieldTable = resources[resource];
  const isForUsers = fields.some((name) => table.get(name)?.access === 'read');
  return isForUsers || onlyQueried.includes(resource) ? 'read' : 'look';
}

/** How many fields may be asked for at once, and how many characters the name of one may have. */
const MAX_FIELDS = 1000;
const MAX_FIELD_NAME = 200;

/** @throws MerapiError wrong_input when fields are more, or their names longer, than anybody needs */
export function checkFieldNames(names: readonly string[]): void {
  if (names.length > MAX_FIELDS)
    throw new MerapiError(
      'wrong_input',
      `${names.length} fields are asked for; at most ${MAX_FIELDS} are answered at once`,
    );
  const long = names.find((name) => name.length > MAX_FIELD_NAME);
  if (long !== undefined)
    throw new MerapiError(
      'wrong_input',
      `The name of a field has at most ${MAX_FIELD_NAME} characters; '${long.slice(0, 40)}…' has ${long.length}`,
    );
}

/** The resource with this name. @throws MerapiError wrong_input naming those that exist. */
export function resourceName(name: string): ResourceName {
  if (Object.hasOwn(resources, name)) return name as ResourceName;
  throw new MerapiError(
    'wrong_input',
    `There is no resource '${name}' to query; there are ${Object.keys(resources).join(', ')}`,
  );
}

/**
 * The fields of a resource, or the named ones in the given order; a field that does not exist is of kind `unknown`.
 * @throws MerapiError wrong_input when there is no such resource, or more fields are named than anybody needs.
 */
export function describeFields(resource: string, names: readonly string[] | null): QueryFieldsAnswer {
  const table: FieldTable = resources[resourceName(resource)];
  if (names) checkFieldNames(names);
  const fields = (names ?? [...table.keys()]).map((name) => {
    const field = table.get(name);
    if (!field)
      return { name, title: name, kind: 'unknown' as const, doc: `There is no such field of ${resource}.` };
    return { name, title: field.title, kind: field.kind, doc: field.doc };
  });
  return { fields };
}
