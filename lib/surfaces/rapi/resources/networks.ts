import type { Call, Resource } from '../resource.ts';
import { descriptionDocs, listing, listingDocs, readObject, refuseLock } from '../rows.ts';
import { submits } from '../submission.ts';

/** The fields that listings and descriptions show, in Ganeti's order. */
const FIELDS = [
  'name',
  'network',
  'gateway',
  'network6',
  'gateway6',
  'mac_prefix',
  'free_count',
  'reserved_count',
  'map',
  'group_list',
  'inst_list',
  'external_reservations',
  'ctime',
  'mtime',
  'uuid',
  'serial_no',
  'tags',
];

const items = ['network_name'];

/** The networks, and their connections to node groups. */
export const networkResources: readonly Resource[] = [
  {
    name: 'networks',
    path: '/2/networks',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listingDocs('network', FIELDS, 'name'),
        handle: (call) => listing(call, 'network', FIELDS, 'name'),
      },
      POST: submits('OP_NETWORK_ADD', { body: { name: 'network_name' } }),
    },
  },
  {
    name: 'networks_name',
    path: '/2/networks/{name}',
    methods: {
      GET: { access: 'look', opcode: null, ...descriptionDocs('network', FIELDS), handle: describe },
      DELETE: submits('OP_NETWORK_REMOVE', { items }),
    },
  },
  {
    name: 'networks_name_connect',
    path: '/2/networks/{name}/connect',
    methods: { PUT: submits('OP_NETWORK_CONNECT', { items }) },
  },
  {
    name: 'networks_name_disconnect',
    path: '/2/networks/{name}/disconnect',
    methods: { PUT: submits('OP_NETWORK_DISCONNECT', { items }) },
  },
  {
    name: 'networks_name_modify',
    path: '/2/networks/{name}/modify',
    methods: { PUT: submits('OP_NETWORK_SET_PARAMS', { items, optionalDryRun: true }) },
  },
];

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  return readObject(call, 'network', FIELDS);
}
