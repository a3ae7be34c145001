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

/** What a route is called on the command line: the noun of its path, and what is done to it. */
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

/** The commands of opcodes that are not made from a route; null where there is none, for the API has no request for it. */
const others: Readonly<Partial<Record<OpcodeId, string | null>>> = {
  OP_CLUSTER_POST_INIT: null,
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

/** The command that does what an opcode does, e.g. `instance startup`; null when there is none, undefined when that is not decided. */
export function commandOf(id: OpcodeId): string | null | undefined {
  if (!Object.hasOwn(routes, id)) return others[id];
  const { noun, verb } = nameOf((routes as Readonly<Record<string, Route>>)[id] as Route);
  return `${noun} ${verb}`;
}
