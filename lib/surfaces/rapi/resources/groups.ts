import type { Call, Resource } from '../resource.ts';
import { descriptionDocs, listing, listingDocs, readObject, refuseLock } from '../rows.ts';
import { submits } from '../submission.ts';

/** The fields that listings and descriptions show, in Ganeti's order. */
const FIELDS = [
  'alloc_policy',
  'name',
  'node_cnt',
  'node_list',
  'ipolicy',
  'custom_ipolicy',
  'diskparams',
  'custom_diskparams',
  'ndparams',
  'custom_ndparams',
  'ctime',
  'mtime',
  'uuid',
  'serial_no',
  'tags',
];

const items = ['group_name'];

/** The node groups. */
export const groupResources: readonly Resource[] = [
  {
    name: 'groups',
    path: '/2/groups',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listingDocs('group', FIELDS, 'name'),
        handle: (call) => listing(call, 'group', FIELDS, 'name'),
      },
      POST: submits('OP_GROUP_ADD', { body: { name: 'group_name' } }),
    },
  },
  {
    name: 'groups_name',
    path: '/2/groups/{name}',
    methods: {
      GET: { access: 'look', opcode: null, ...descriptionDocs('group', FIELDS), handle: describe },
      DELETE: submits('OP_GROUP_REMOVE', { items }),
    },
  },
  {
    name: 'groups_name_modify',
    path: '/2/groups/{name}/modify',
    methods: {
      PUT: submits('OP_GROUP_SET_PARAMS', {
        items,
        body: { custom_diskparams: 'diskparams', custom_ipolicy: 'ipolicy', custom_ndparams: 'ndparams' },
        optionalDryRun: true,
      }),
    },
  },
  {
    name: 'groups_name_rename',
    path: '/2/groups/{name}/rename',
    methods: { PUT: submits('OP_GROUP_RENAME', { items }) },
  },
  {
    name: 'groups_name_assign_nodes',
    path: '/2/groups/{name}/assign-nodes',
    methods: {
      PUT: submits('OP_GROUP_ASSIGN_NODES', {
        items,
        args: {
          force: { kind: 'flag', doc: 'Assign the nodes even if this splits instances between groups.' },
        },
      }),
    },
  },
  {
    name: 'groups_name_evacuate',
    path: '/2/groups/{name}/evacuate',
    methods: { POST: submits('OP_GROUP_EVACUATE', { items }) },
  },
];

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  return readObject(call, 'group', FIELDS);
}
