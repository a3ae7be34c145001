import { type Call, item, type Resource } from '../resource.ts';
import { described, find, listed, listing, refuseLock, row } from '../rows.ts';
import { submits } from '../submission.ts';

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

export const groupResources: readonly Resource[] = [
  {
    name: 'groups',
    path: '/2/groups',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        ...listed('group', FIELDS, 'name'),
        handle: (call) => listing(call, 'group', FIELDS, call.manager.view.groups, 'name'),
      },
      POST: submits('OP_GROUP_ADD', { body: { name: 'group_name' } }),
    },
  },
  {
    name: 'groups_name',
    path: '/2/groups/{name}',
    methods: {
      GET: { access: 'look', opcode: null, ...described('group', FIELDS), handle: describe },
      DELETE: submits('OP_GROUP_REMOVE', { items: ['group_name'] }),
    },
  },
];

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  const { name } = find(call.manager.view.groups, item(call), 'group', 'full');
  return row(call, 'group', FIELDS, name);
}
