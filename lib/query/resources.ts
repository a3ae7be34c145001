// The registry of resources that can be queried, the right that their fields need, and the limits of what one request may name.
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

/** The resources that can be queried, with their fields. */
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
/** The name of a resource that can be queried. */
export type ResourceName = keyof typeof resources;

/** Resources that only users may see. Ganeti has them in queries alone, and queries need the right `read`. */
const onlyForUsers: readonly ResourceName[] = ['export', 'lock'];

/** The right that these fields of a resource need in listings and descriptions; queries always need `read`. */
export function accessTo(resource: ResourceName, fields: readonly string[]): 'look' | 'read' {
  const table: FieldTable = resources[resource];
  const isForUsers = fields.some((name) => table.get(name)?.access === 'read');
  return isForUsers || onlyForUsers.includes(resource) ? 'read' : 'look';
}

/** How many fields one request may name, and how long the name of a field may be, in characters. */
const MAX_FIELDS = 1000;
const MAX_FIELD_NAME = 200;

/** Checks the limits of the number and the length of field names. @throws MerapiError wrong_input */
export function checkFieldNames(names: readonly string[]): void {
  if (names.length > MAX_FIELDS)
    throw new MerapiError(
      'wrong_input',
      `${names.length} fields are requested; at most ${MAX_FIELDS} are allowed`,
    );
  const long = names.find((name) => name.length > MAX_FIELD_NAME);
  if (long !== undefined)
    throw new MerapiError(
      'wrong_input',
      `The name of a field has at most ${MAX_FIELD_NAME} characters; '${long.slice(0, 40)}…' has ${long.length}`,
    );
}

/** The resource with this name. @throws MerapiError wrong_input naming the existing ones */
export function resourceName(name: string): ResourceName {
  if (Object.hasOwn(resources, name)) return name as ResourceName;
  throw new MerapiError(
    'wrong_input',
    `There is no resource '${name}'; the resources are ${Object.keys(resources).join(', ')}`,
  );
}

/**
 * Describes all fields of a resource (null), or the named ones in the given order; a field that does not exist has the kind `unknown`.
 * @throws MerapiError wrong_input when there is no such resource, or too many fields are named
 */
export function describeFields(resource: string, names: readonly string[] | null): QueryFieldsAnswer {
  const table: FieldTable = resources[resourceName(resource)];
  if (names) checkFieldNames(names);
  const fields = (names ?? [...table].flatMap(([name, { own }]) => (own ? [] : [name]))).map((name) => {
    const field = table.get(name);
    if (!field)
      return { name, title: name, kind: 'unknown' as const, doc: `There is no such field of ${resource}.` };
    return { name, title: field.title, kind: field.kind, doc: field.doc };
  });
  return { fields };
}
