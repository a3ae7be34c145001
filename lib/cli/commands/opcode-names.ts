// Derives the names of commands for opcodes from the paths of the API, e.g. `instance startup` from /2/instances/{name}/startup.

import type { Route } from '../../client/route.ts';
import { routes } from '../../client/routes.ts';
import type { OpcodeId } from '../../opcodes/registry.ts';

const singular: Readonly<Record<string, string>> = {
  instances: 'instance',
  'instances-multi-alloc': 'instance',
  nodes: 'node',
  groups: 'group',
  networks: 'network',
};

/** The name of a route's command: the noun from the first part of its path, and the verb from the rest or the method. */
export function nameOf({ method, path }: Route): { noun: string; verb: string } {
  const [first = '', ...rest] = path.split('/').slice(2);
  const noun = singular[first] ?? 'cluster';
  const words = rest.filter((part) => !part.startsWith('{'));
  if (noun === 'cluster') return { noun, verb: [first, ...words].join('-') };
  if (words.length > 0)
    return { noun, verb: [...(method === 'DELETE' ? ['remove'] : []), ...words].join('-') };
  if (first.endsWith('-multi-alloc')) return { noun, verb: 'multi-alloc' };
  return { noun, verb: method === 'DELETE' ? 'remove' : 'add' };
}

/** The commands of opcodes without a route of their own; null for opcodes that have no command. */
const others: Readonly<Partial<Record<OpcodeId, string | null>>> = {
  OP_CLUSTER_POST_INIT: null,
  OP_GUEST_FILE_WRITE: null, // merapi instance guest NAME cp
  OP_INSTANCE_CONSOLE: null,
  OP_INSTANCE_QUERY_DATA: 'instance info',
  OP_INSTANCE_REINSTALL: 'instance reinstall',
  OP_NODE_ADD: null,
  OP_NODE_MODIFY_STORAGE: 'node storage-modify',
  OP_NODE_QUERY_STORAGE: 'node storage-list',
  OP_NODE_REMOVE: null,
  OP_OS_DIAGNOSE: 'os list',
  OP_REPAIR_NODE_STORAGE: 'node storage-repair',
  OP_TAGS_DEL: 'tag remove',
  OP_TAGS_SET: 'tag add',
  OP_TEST_ALLOCATOR: null,
  OP_TEST_DELAY: null,
};

/**
 * The command for an opcode, e.g. `instance startup`; null when it has none; undefined when the table above lacks it, which a test
 * reports.
 */
export function commandOf(id: OpcodeId): string | null | undefined {
  if (!Object.hasOwn(routes, id)) return others[id];
  const { noun, verb } = nameOf((routes as Readonly<Record<string, Route>>)[id] as Route);
  return `${noun} ${verb}`;
}
