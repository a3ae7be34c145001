import { bodyObject, type Call, item, type Resource } from '../resource.ts';
import { find, listing, refuseLock, row } from '../rows.ts';
import { dryRun, submit } from '../submit.ts';

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
        handle: (call) => listing(call, 'group', FIELDS, call.manager.view.groups, 'name'),
      },
      POST: {
        access: 'write',
        opcode: 'OP_GROUP_ADD',
        handle: (call) =>
          submit(call, 'OP_GROUP_ADD', dryRun(call), bodyObject(call), { name: 'group_name' }),
      },
    },
  },
  {
    name: 'groups_name',
    path: '/2/groups/{name}',
    methods: {
      GET: { access: 'look', opcode: null, handle: describe },
      DELETE: {
        access: 'write',
        opcode: 'OP_GROUP_REMOVE',
        handle: (call) =>
          submit(call, 'OP_GROUP_REMOVE', { group_name: item(call), ...dryRun(call) }, bodyObject(call)),
      },
    },
  },
];

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  const { name } = find(call.manager.view.groups, item(call), 'group', 'full');
  return row(call, 'group', FIELDS, name);
}
