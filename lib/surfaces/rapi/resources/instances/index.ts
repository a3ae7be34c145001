import * as z from 'zod';
import { MerapiError } from '../../../../base/errors.ts';
import type { Json } from '../../../../base/json.ts';
import { FixedMessageError } from '../../errors.ts';
import { bodyObject, type Call, item, type Method, type Resource } from '../../resource.ts';
import { descriptionDocs, listing, listingDocs, readObject, refuseLock } from '../../rows.ts';
import { commonArguments, submits } from '../../submission.ts';
import { dryRun, submit } from '../../submit.ts';
import { instanceChangeResources } from './changes.ts';
import { instanceDiskResources } from './disks.ts';
import { instanceExportResources } from './exports.ts';
import { instanceGuestResources } from './guest.ts';
import { instanceMoveResources } from './moves.ts';

/** The fields that listings and descriptions show, in Ganeti's order. */
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
  doc: 'Do not change the admin state of the instance.',
} as const;

const plainMultiAllocation = submits('OP_INSTANCE_MULTI_ALLOC', {});

/** Creates several instances. As in requests for one instance, `name` and `os` stand for `instance_name` and `os_type`. */
const multiAllocation: Method = {
  ...plainMultiAllocation,
  handle: (call) => {
    const { instances, ...rest } = bodyObject(call);
    if (!Array.isArray(instances))
      throw new MerapiError('wrong_input', "'instances' must be a list of descriptions of instances");
    const body = { ...rest, instances: instances.map(withFullNames) };
    return submit(call, 'OP_INSTANCE_MULTI_ALLOC', dryRun(call), body);
  },
};

/** @throws MerapiError wrong_input when a description is not an object */
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

const instancesAndState: readonly Resource[] = [
  {
    name: 'instances',
    path: '/2/instances',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listingDocs('instance', FIELDS, 'id'),
        handle: (call) => listing(call, 'instance', FIELDS, 'id'),
      },
      POST: submits('OP_INSTANCE_CREATE', {
        body: { name: 'instance_name', os: 'os_type' },
        constants: { __version__: 1 }, // Ganeti has no other version of these requests
      }),
    },
  },
  {
    name: 'instances_name',
    path: '/2/instances/{name}',
    methods: {
      GET: { access: 'look', opcode: null, ...descriptionDocs('instance', FIELDS), handle: describe },
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
          static: { kind: 'flag', doc: 'Query no node; return only the configuration.' },
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
        args: { force: { kind: 'flag', doc: 'Start it even if a check advises against it.' }, no_remember },
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
          ignore_secondaries: { kind: 'flag', doc: 'Continue if a disk has lost its secondary node.' },
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
        doc: 'Returns how to connect to the console of a running instance.',
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

/** The instances: listing, creation and removal, starting and stopping, and the resources of the other files in this folder. */
export const instanceResources: readonly Resource[] = [
  ...instancesAndState,
  ...instanceChangeResources,
  ...instanceMoveResources,
  ...instanceDiskResources,
  ...instanceExportResources,
  ...instanceGuestResources,
];

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  return readObject(call, 'instance', FIELDS);
}

/** Submits a job, since as in Ganeti this read queries nodes under locks; with `static=1` it does neither. */
function info(call: Call): Promise<number> {
  const isStatic = call.query.flag('static');
  return submit(call, 'OP_INSTANCE_QUERY_DATA', {
    instances: [item(call)],
    static: isStatic,
    use_locking: !isStatic,
    // As in Ganeti, the opcode has this parameter only when it is set.
    ...(dryRun(call).dry_run && { dry_run: true }),
  });
}

/** @throws FixedMessageError unavailable when the instance does not run or has no console */
async function consoleOf(call: Call): Promise<unknown> {
  const instance = await readObject(call, 'instance', ['name', 'console', 'oper_state']);
  if (instance.oper_state !== true || instance.console === null)
    throw new FixedMessageError(
      'unavailable',
      'Instance console unavailable',
      `Instance ${instance.name} has no console at the moment, because it does not run`,
    );
  return instance.console;
}
