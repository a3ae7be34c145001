import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import { bodyObject, type Call, item, type Resource } from '../resource.ts';
import { find, listing, refuseLock, row } from '../rows.ts';
import { dryRun, submit, instanceTarget as target } from '../submit.ts';

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

/** The one version of instance-create requests that is served. */
const CREATE_VERSION = 1;

export const instanceResources: readonly Resource[] = [
  {
    name: 'instances',
    path: '/2/instances',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        handle: (call) => listing(call, 'instance', FIELDS, call.manager.view.instances, 'id'),
      },
      POST: {
        access: 'write',
        opcode: 'OP_INSTANCE_CREATE',
        handle: (call) =>
          submit(call, 'OP_INSTANCE_CREATE', dryRun(call), createBody(call), {
            name: 'instance_name',
            os: 'os_type',
          }),
      },
    },
  },
  {
    name: 'instances_name',
    path: '/2/instances/{name}',
    methods: {
      GET: { access: 'look', opcode: null, handle: describe },
      DELETE: {
        access: 'write',
        opcode: 'OP_INSTANCE_REMOVE',
        handle: (call) => submit(call, 'OP_INSTANCE_REMOVE', target(call), bodyObject(call)),
      },
    },
  },
  {
    name: 'instances_name_info',
    path: '/2/instances/{name}/info',
    methods: { GET: { access: 'look', opcode: 'OP_INSTANCE_QUERY_DATA', handle: info } },
  },
  {
    name: 'instances_name_startup',
    path: '/2/instances/{name}/startup',
    methods: {
      PUT: {
        access: 'write',
        opcode: 'OP_INSTANCE_STARTUP',
        handle: (call) =>
          submit(
            call,
            'OP_INSTANCE_STARTUP',
            { ...target(call), force: call.query.flag('force'), no_remember: call.query.flag('no_remember') },
            bodyObject(call),
          ),
      },
    },
  },
  {
    name: 'instances_name_shutdown',
    path: '/2/instances/{name}/shutdown',
    methods: {
      PUT: {
        access: 'write',
        opcode: 'OP_INSTANCE_SHUTDOWN',
        handle: (call) =>
          submit(
            call,
            'OP_INSTANCE_SHUTDOWN',
            { ...target(call), no_remember: call.query.flag('no_remember') },
            bodyObject(call),
          ),
      },
    },
  },
  {
    name: 'instances_name_reboot',
    path: '/2/instances/{name}/reboot',
    methods: {
      POST: {
        access: 'write',
        opcode: 'OP_INSTANCE_REBOOT',
        handle: (call) =>
          submit(
            call,
            'OP_INSTANCE_REBOOT',
            {
              ...target(call),
              reboot_type: call.query.text('type') ?? 'hard',
              ignore_secondaries: call.query.flag('ignore_secondaries'),
            },
            bodyObject(call),
          ),
      },
    },
  },
  {
    name: 'instances_name_console',
    path: '/2/instances/{name}/console',
    methods: { GET: { access: 'read', opcode: null, handle: consoleOf } },
  },
];

function fullName(call: Call): string {
  return find(call.manager.view.instances, item(call), 'instance', 'abbreviated').name;
}

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  return row(call, 'instance', FIELDS, fullName(call));
}

function createBody(call: Call): { [key: string]: Json } {
  const { __version__: version, ...parameters } = bodyObject(call);
  if (version === CREATE_VERSION) return parameters;
  const given = version === undefined ? 'is missing' : 'has another value';
  throw new MerapiError('bad_request', `'__version__' must be ${CREATE_VERSION} in the body; it ${given}`);
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
  const instance = await row(call, 'instance', ['console', 'oper_state'], fullName(call));
  if (instance.oper_state !== true || instance.console === null)
    throw new MerapiError('unavailable', 'Instance console unavailable: the instance does not run');
  return instance.console;
}
