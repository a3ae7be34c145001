import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { roleNames } from '../../../model/node.ts';
import { bodyObject, type Call, item, type Method, type Resource } from '../resource.ts';
import { descriptionDocs, listing, listingDocs, readObject, refuseLock } from '../rows.ts';
import { commonArguments, submits } from '../submission.ts';
import { dryRun, optionalDryRun, submit } from '../submit.ts';

/** The fields that listings and descriptions show, in Ganeti's order. */
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

/** The parameters of OP_NODE_SET_PARAMS that give a node each role. The master's role cannot be set this way. */
const roles = {
  regular: { master_candidate: false, offline: false, drained: false },
  'master-candidate': { master_candidate: true },
  drained: { drained: true },
  offline: { offline: true },
} as const;
const Role = z.enum(['regular', 'master-candidate', 'drained', 'offline']);

const setParams = submits('OP_NODE_SET_PARAMS', { items: ['node_name'], optionalDryRun: true });

const roleChange: Method = {
  access: 'write',
  opcode: 'OP_NODE_SET_PARAMS',
  doc: 'Changes the role of a node.',
  args: {
    force: { kind: 'flag', doc: 'Change it even if a check advises against it.' },
    'auto-promote': {
      kind: 'flag',
      doc: 'Promote other nodes to master candidates if this one ceases to be one.',
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
      ...optionalDryRun(call),
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
    output_fields: {
      kind: 'text',
      doc: 'The fields to return of each storage unit, separated by commas: name, size, used, free, …',
    },
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
      output_fields: requiredArgument(call, 'output_fields').split(','),
      ...optionalDryRun(call),
    }),
};

const modifyStorage: Method = {
  access: 'write',
  opcode: 'OP_NODE_MODIFY_STORAGE',
  args: {
    ...storageArguments,
    allocatable: { kind: 'flag', doc: 'Whether new logical volumes may be allocated on a physical volume.' },
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
      storage_type: requiredArgument(call, 'storage_type'),
      name: requiredArgument(call, 'name'),
      changes: call.query.text('allocatable') === null ? {} : { allocatable: call.query.flag('allocatable') },
      ...optionalDryRun(call),
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
      storage_type: requiredArgument(call, 'storage_type'),
      name: requiredArgument(call, 'name'),
      ...optionalDryRun(call),
    }),
};

/** The value of a required argument. @throws MerapiError wrong_input when it is missing */
function requiredArgument(call: Call, name: string): string {
  const text = call.query.text(name);
  if (text !== null) return text;
  throw new MerapiError('wrong_input', `Argument '${name}' is missing`);
}

/** Migrates all instances of a node. The old form of the request has only arguments in the URL, which override the body. */
const nodeMigration = submits('OP_NODE_MIGRATE', { items: ['node_name'], optionalDryRun: true });

const migrateNode: Method = {
  ...nodeMigration,
  args: {
    ...nodeMigration.args,
    live: { kind: 'flag', doc: 'The old form of mode: 1 is live, 0 is non-live.' },
    mode: { kind: 'text', doc: '`live` or `non-live`; with this argument or `live` the body is ignored.' },
  },
  handle: (call) => (isOldForm(call) ? migrateOldForm(call) : nodeMigration.handle(call)),
};

const isOldForm = ({ query }: Call) => query.text('live') !== null || query.text('mode') !== null;

function migrateOldForm(call: Call): Promise<number> {
  const { query } = call;
  if (query.text('live') !== null && query.text('mode') !== null)
    throw new MerapiError('wrong_input', "Give the argument 'live' or 'mode', not both");
  const mode = query.text('mode') ?? (query.flag('live') ? 'live' : 'non-live');
  return submit(call, 'OP_NODE_MIGRATE', { node_name: call.items[0], mode, ...optionalDryRun(call) });
}

/** Moves instances away from a node. The old form has arguments in the URL, and by default moves secondary instances only. */
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
    const iallocator = query.text('iallocator');
    const remote_node = query.text('remote_node');
    const hasEarlyRelease = query.text('early_release') !== null;
    const given = {
      ...(iallocator === null ? {} : { iallocator }),
      ...(remote_node === null ? {} : { remote_node }),
      ...(hasEarlyRelease ? { early_release: query.flag('early_release') } : {}),
    };
    const isOldForm = Object.keys(given).length > 0;
    if (!isOldForm) return evacuation.handle(call);
    const body = { mode: 'secondary-only', ...bodyObject(call) };
    return submit(call, 'OP_NODE_EVACUATE', { node_name: call.items[0], ...given, ...dryRun(call) }, body);
  },
};

/** The nodes: their roles and parameters, their storage, and moving instances away from them. */
export const nodeResources: readonly Resource[] = [
  {
    name: 'nodes',
    path: '/2/nodes',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listingDocs('node', FIELDS, 'id'),
        handle: (call) => listing(call, 'node', FIELDS, 'id'),
      },
    },
  },
  {
    name: 'nodes_name',
    path: '/2/nodes/{name}',
    methods: { GET: { access: 'look', opcode: null, ...descriptionDocs('node', FIELDS), handle: describe } },
  },
  {
    name: 'nodes_name_role',
    path: '/2/nodes/{name}/role',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Returns the role of a node.',
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
        args: { force: { kind: 'flag', doc: 'Power-cycle it even if it is the master node.' } },
        optionalDryRun: true,
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
  const node = await readObject(call, 'node', FIELDS);
  // As in Ganeti, the description of one node has the secondary address under its long name too, the listing does not.
  return { ...node, secondary_ip: node.sip };
}
