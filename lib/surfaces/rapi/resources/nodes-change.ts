import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { type Call, item, type Method, type Resource } from '../resource.ts';
import { commonArguments, submits } from '../submission.ts';
import { submit } from '../submit.ts';

/** The parameters that make a node what a role says. The master's role is not to be had so. */
const roles = {
  regular: { master_candidate: false, offline: false, drained: false },
  'master-candidate': { master_candidate: true },
  drained: { drained: true },
  offline: { offline: true },
} as const;
const Role = z.enum(['regular', 'master-candidate', 'drained', 'offline']);

const setParams = submits('OP_NODE_SET_PARAMS', { items: ['node_name'], quietDryRun: true });

/** Gives a node another role: a method of the resource that tells the role. */
export const roleChange: Method = {
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
        'bad_request',
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

/** An argument that must be given. @throws MerapiError bad_request */
function needed(call: Call, name: string): string {
  const text = call.query.text(name);
  if (text !== null) return text;
  throw new MerapiError('bad_request', `The argument '${name}' is missing`);
}

/** Here dry_run stands in the opcode only where the request has it. */
function quietDryRun(call: Call): { dry_run?: boolean } {
  return call.query.text('dry-run') === null ? {} : { dry_run: call.query.flag('dry-run') };
}

/** The changes of nodes, and their storage. */
export const nodeChangeResources: readonly Resource[] = [
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
];
