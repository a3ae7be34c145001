import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { roleNames } from '../../../model/node.ts';
import { bodyObject, type Call, item, type Method, type Resource } from '../resource.ts';
import { described, listed, listing, refuseLock, row } from '../rows.ts';
import { commonArguments, submits } from '../submission.ts';
import { dryRun, quietDryRun, submit } from '../submit.ts';

const FIELDS = [
  'name',
  'offline',
  'master_candidate',
  'drained',
  'dtotal',
  'dfree',
  'sptotal',
  'spfree',
  'mtotal',
  'mnode',
  'mfree',
  'pinst_cnt',
  'sinst_cnt',
  'ctotal',
  'cnos',
  'cnodes',
  'csockets',
  'pip',
  'sip',
  'role',
  'pinst_list',
  'sinst_list',
  'master_capable',
  'vm_capable',
  'ndparams',
  'group.uuid',
  'ctime',
  'mtime',
  'uuid',
  'serial_no',
  'tags',
];

/** The parameters that make a node what a role says. The master's role is not to be had so. */
const roles = {
  regular: { master_candidate: false, offline: false, drained: false },
  'master-candidate': { master_candidate: true },
  drained: { drained: true },
  offline: { offline: true },
} as const;
const Role = z.enum(['regular', 'master-candidate', 'drained', 'offline']);

const setParams = submits('OP_NODE_SET_PARAMS', { items: ['node_name'], quietDryRun: true });

const roleChange: Method = {
  access: 'write',
  opcode: 'OP_NODE_SET_PARAMS',
  doc: 'Gives a node another role.',
  args: {
    force: { kind: 'flag', doc: 'Do it even when a check advises against it.' },
    'auto-promote': {
      kind: 'flag',
      doc: 'Let other nodes become master candidates where this one ceases to be one.',
    },
    ...commonArguments,
  },
  body: Role,
  example: { items: ['node3.example.com'], body: 'drained' },
  handle(call) {
    const role = Role.safeParse(call.body);
    if (!role.success)
      throw new MerapiError(
        'wrong_input',
        `The body must be one of ${Role.options.map((name) => `"${name}"`).join(', ')}`,
      );
    return submit(call, 'OP_NODE_SET_PARAMS', {
      node_name: item(call),
      ...roles[role.data],
      force: call.query.flag('force'),
      auto_promote: call.query.flag('auto-promote'),
      ...quietDryRun(call),
    });
  },
};

const storageArguments = {
  storage_type: { kind: 'text', doc: 'The kind of storage, such as file or lvm-vg.' },
  name: { kind: 'text', doc: 'The name of the storage unit.' },
} as const;

const queryStorage: Method = {
  access: 'write',
  opcode: 'OP_NODE_QUERY_STORAGE',
  args: {
    storage_type: storageArguments.storage_type,
    output_fields: { kind: 'text', doc: 'What to tell of each unit, with commas: name, size, used, free, …' },
    ...commonArguments,
  },
  example: {
    items: ['node3.example.com'],
    args: [
      ['storage_type', 'file'],
      ['output_fields', 'name,free'],
    ],
  },
  handle: (call) =>
    submit(call, 'OP_NODE_QUERY_STORAGE', {
      nodes: [item(call)],
      storage_type: call.query.text('storage_type'),
      output_fields: needed(call, 'output_fields').split(','),
      ...quietDryRun(call),
    }),
};

const modifyStorage: Method = {
  access: 'write',
  opcode: 'OP_NODE_MODIFY_STORAGE',
  args: {
    ...storageArguments,
    allocatable: { kind: 'flag', doc: 'Whether a physical volume takes new volumes.' },
    ...commonArguments,
  },
  example: {
    items: ['node3.example.com'],
    args: [
      ['storage_type', 'lvm-pv'],
      ['name', '/dev/vdb'],
      ['allocatable', '0'],
    ],
  },
  handle: (call) =>
    submit(call, 'OP_NODE_MODIFY_STORAGE', {
      node_name: item(call),
      storage_type: needed(call, 'storage_type'),
      name: needed(call, 'name'),
      changes: call.query.text('allocatable') === null ? {} : { allocatable: call.query.flag('allocatable') },
      ...quietDryRun(call),
    }),
};

const repairStorage: Method = {
  access: 'write',
  opcode: 'OP_REPAIR_NODE_STORAGE',
  args: { ...storageArguments, ...commonArguments },
  example: {
    items: ['node3.example.com'],
    args: [
      ['storage_type', 'lvm-vg'],
      ['name', 'xenvg'],
    ],
  },
  handle: (call) =>
    submit(call, 'OP_REPAIR_NODE_STORAGE', {
      node_name: item(call),
      storage_type: needed(call, 'storage_type'),
      name: needed(call, 'name'),
      ...quietDryRun(call),
    }),
};

/** An argument that must be given. @throws MerapiError wrong_input */
function needed(call: Call, name: string): string {
  const text = call.query.text(name);
  if (text !== null) return text;
  throw new MerapiError('wrong_input', `The argument '${name}' is missing`);
}

/** How all instances of a node are moved; the old form has only arguments. */
const nodeMigration = submits('OP_NODE_MIGRATE', { items: ['node_name'], quietDryRun: true });

const migrateNode: Method = {
  ...nodeMigration,
  args: {
    ...nodeMigration.args,
    live: { kind: 'flag', doc: 'The old form of mode: 1 is live, 0 is non-live.' },
    mode: { kind: 'text', doc: '`live` or `non-live`; with it or `live` the body does not count.' },
  },
  handle: (call) => (isOldForm(call) ? migrateOldForm(call) : nodeMigration.handle(call)),
};

const isOldForm = ({ query }: Call) => query.text('live') !== null || query.text('mode') !== null;

function migrateOldForm(call: Call): Promise<number> {
  const { query } = call;
  if (query.text('live') !== null && query.text('mode') !== null)
    throw new MerapiError('wrong_input', "Give the argument 'live' or 'mode', not both");
  const mode = query.text('mode') ?? (query.flag('live') ? 'live' : 'non-live');
  return submit(call, 'OP_NODE_MIGRATE', { node_name: call.items[0], mode, ...quietDryRun(call) });
}

/** How instances leave a node; the old form has only arguments, and moves those that have the node as secondary. */
const evacuation = submits('OP_NODE_EVACUATE', { items: ['node_name'] });

const evacuateNode: Method = {
  ...evacuation,
  args: {
    ...evacuation.args,
    iallocator: { kind: 'text', doc: 'The old form of `iallocator` in the body.' },
    remote_node: { kind: 'text', doc: 'The old form of `remote_node` in the body.' },
    early_release: { kind: 'flag', doc: 'The old form of `early_release` in the body.' },
  },
  handle: (call) => {
    const { query } = call;
    const [iallocator, remote_node] = [query.text('iallocator'), query.text('remote_node')];
    const early = query.text('early_release') === null ? {} : { early_release: query.flag('early_release') };
    const given = {
      ...(iallocator === null ? {} : { iallocator }),
      ...(remote_node === null ? {} : { remote_node }),
      ...early,
    };
    if (Object.keys(given).length === 0) return evacuation.handle(call);
    const body = { mode: 'secondary-only', ...bodyObject(call) };
    return submit(call, 'OP_NODE_EVACUATE', { node_name: call.items[0], ...given, ...dryRun(call) }, body);
  },
};

/** The nodes, with their storage and what leaves them. */
export const nodeResources: readonly Resource[] = [
  {
    name: 'nodes',
    path: '/2/nodes',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listed('node', FIELDS, 'id'),
        handle: (call) => listing(call, 'node', FIELDS, 'id'),
      },
    },
  },
  {
    name: 'nodes_name',
    path: '/2/nodes/{name}',
    methods: { GET: { access: 'look', opcode: null, ...described('node', FIELDS), handle: describe } },
  },
  {
    name: 'nodes_name_role',
    path: '/2/nodes/{name}/role',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'The role of a node.',
        answer: z.enum(Object.values(roleNames)),
        handle: (call) => roleNames[call.manager.nodeRole(call.principal, item(call))],
      },
      PUT: roleChange,
    },
  },
  { name: 'nodes_name_modify', path: '/2/nodes/{name}/modify', methods: { POST: setParams } },
  {
    name: 'nodes_name_powercycle',
    path: '/2/nodes/{name}/powercycle',
    methods: {
      POST: submits('OP_NODE_POWERCYCLE', {
        items: ['node_name'],
        args: { force: { kind: 'flag', doc: 'Do it even when it is the master node.' } },
        quietDryRun: true,
      }),
    },
  },
  { name: 'nodes_name_storage', path: '/2/nodes/{name}/storage', methods: { GET: queryStorage } },
  {
    name: 'nodes_name_storage_modify',
    path: '/2/nodes/{name}/storage/modify',
    methods: { PUT: modifyStorage },
  },
  {
    name: 'nodes_name_storage_repair',
    path: '/2/nodes/{name}/storage/repair',
    methods: { PUT: repairStorage },
  },
  {
    name: 'nodes_name_migrate',
    path: '/2/nodes/{name}/migrate',
    methods: { POST: migrateNode },
  },
  {
    name: 'nodes_name_evacuate',
    path: '/2/nodes/{name}/evacuate',
    methods: { POST: evacuateNode },
  },
];

async function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  const node = await row(call, 'node', FIELDS);
  // One node, unlike the listing, has its secondary address under its long name too.
  return { ...node, secondary_ip: node.sip };
}
