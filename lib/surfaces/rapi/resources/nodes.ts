import * as z from 'zod';
import { roleNames } from '../../../model/node.ts';
import { type Call, item, type Resource } from '../resource.ts';
import { described, listed, listing, refuseLock, row } from '../rows.ts';
import { roleChange } from './nodes-change.ts';

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
];

async function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  const node = await row(call, 'node', FIELDS);
  // One node, unlike the listing, has its secondary address under its long name too.
  return { ...node, secondary_ip: node.sip };
}
