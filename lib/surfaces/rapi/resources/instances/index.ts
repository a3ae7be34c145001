import * as z from 'zod';
import { MerapiError } from '../../../../base/errors.ts';
import type { Json } from '../../../../base/json.ts';
import { WordedError } from '../../errors.ts';
import { bodyObject, type Call, item, type Method, type Resource } from '../../resource.ts';
import { described, listed, listing, refuseLock, row } from '../../rows.ts';
import { commonArguments, submits } from '../../submission.ts';
import { dryRun, submit } from '../../submit.ts';
import { instanceChangeResources } from './changes.ts';
import { instanceDiskResources } from './disks.ts';
import { instanceExportResources } from './exports.ts';
import { instanceMoveResources } from './moves.ts';

const FIELDS = [
  'name',
  'admin_state',
  'os',
  'pnode',
  'snodes',
  'disk_template',
  'nic.ips',
  'nic.macs',
  'nic.modes',
  'nic.uuids',
  'nic.names',
  'nic.links',
  'nic.networks',
  'nic.networks.names',
  'nic.bridges',
  'network_port',
  'disk.sizes',
  'disk.spindles',
  'disk_usage',
  'disk.uuids',
  'disk.names',
  'beparams',
  'hvparams',
  'oper_state',
  'oper_ram',
  'oper_vcpus',
  'status',
  'custom_hvparams',
  'custom_beparams',
  'custom_nicparams',
  'ctime',
  'mtime',
  'uuid',
  'serial_no',
  'tags',
  'hypervisor',
];

const items = ['instance_name'];
const no_remember = {
  kind: 'flag',
  doc: 'Do not change the state that the instance is meant to have.',
} as const;

const multi = submits('OP_INSTANCE_MULTI_ALLOC', {});

/** As in single requests, instances may be described with `name` and `os`. */
const multiAllocation: Method = {
  ...multi,
  handle: (call) => {
    const { instances, ...rest } = bodyObject(call);
    if (!Array.isArray(instances))
      throw new MerapiError('wrong_input', "'instances' must be a list of descriptions of instances");
    const body = { ...rest, instances: instances.map(withFullNames) };
    return submit(call, 'OP_INSTANCE_MULTI_ALLOC', dryRun(call), body);
  },
};

function withFullNames(description: Json): Json {
  if (typeof description !== 'object' || description === null || Array.isArray(description))
    throw new MerapiError('wrong_input', "Each of 'instances' must be an object");
  const { name, os, ...rest } = description;
  return {
    ...rest,
    ...(name === undefined ? {} : { instance_name: name }),
    ...(os === undefined ? {} : { os_type: os }),
  };
}

const own: readonly Resource[] = [
  {
    name: 'instances',
    path: '/2/instances',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listed('instance', FIELDS, 'id'),
        handle: (call) => listing(call, 'instance', FIELDS, 'id'),
      },
      POST: submits('OP_INSTANCE_CREATE', {
        body: { name: 'instance_name', os: 'os_type' },
        constants: { __version__: 1 }, // the one version of such requests
      }),
    },
  },
  {
    name: 'instances_name',
    path: '/2/instances/{name}',
    methods: {
      GET: { access: 'look', opcode: null, ...described('instance', FIELDS), handle: describe },
      DELETE: submits('OP_INSTANCE_REMOVE', { items }),
    },
  },
  {
    name: 'instances_name_info',
    path: '/2/instances/{name}/info',
    methods: {
      GET: {
        access: 'look',
        opcode: 'OP_INSTANCE_QUERY_DATA',
        args: {
          static: { kind: 'flag', doc: 'Ask no node, show only what is configured.' },
          ...commonArguments,
        },
        handle: info,
      },
    },
  },
  {
    name: 'instances_name_startup',
    path: '/2/instances/{name}/startup',
    methods: {
      PUT: submits('OP_INSTANCE_STARTUP', {
        items,
        args: { force: { kind: 'flag', doc: 'Start it even when a check advises against it.' }, no_remember },
      }),
    },
  },
  {
    name: 'instances_name_shutdown',
    path: '/2/instances/{name}/shutdown',
    methods: { PUT: submits('OP_INSTANCE_SHUTDOWN', { items, args: { no_remember } }) },
  },
  {
    name: 'instances_name_reboot',
    path: '/2/instances/{name}/reboot',
    methods: {
      POST: submits('OP_INSTANCE_REBOOT', {
        items,
        args: {
          type: { kind: 'text', doc: '`soft`, `hard` or `full`.', param: 'reboot_type', fallback: 'hard' },
          ignore_secondaries: { kind: 'flag', doc: 'Go on when a disk has lost a secondary node.' },
        },
      }),
    },
  },
  {
    name: 'instances_name_console',
    path: '/2/instances/{name}/console',
    methods: {
      GET: {
        access: 'read',
        opcode: null,
        doc: 'How to reach the console of a running instance.',
        answer: z.record(z.string(), z.unknown()),
        handle: consoleOf,
      },
    },
  },
  {
    name: 'instances_multi_alloc',
    path: '/2/instances-multi-alloc',
    methods: { POST: multiAllocation },
  },
];

/** The instances: what there is of each, its life, and the parts of its own below. */
export const instanceResources: readonly Resource[] = [
  ...own,
  ...instanceChangeResources,
  ...instanceMoveResources,
  ...instanceDiskResources,
  ...instanceExportResources,
];

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  return row(call, 'instance', FIELDS);
}

function info(call: Call): Promise<number> {
  const only = call.query.flag('static');
  return submit(call, 'OP_INSTANCE_QUERY_DATA', {
    instances: [item(call)],
    static: only,
    use_locking: !only,
    // As in Ganeti's jobs of this kind, the parameter stands there only when it was asked for.
    ...(dryRun(call).dry_run && { dry_run: true }),
  });
}

async function consoleOf(call: Call): Promise<unknown> {
  const instance = await row(call, 'instance', ['name', 'console', 'oper_state']);
  if (instance.oper_state !== true || instance.console === null)
    throw new WordedError(
      'unavailable',
      'Instance console unavailable',
      `Instance ${instance.name} has no console now, for it does not run`,
    );
  return instance.console;
}
