import { fieldTable, list, number, other, text, timestamp } from './build.ts';
import { ndParamFields } from './node.ts';

/** The fields of a node group that are not made from the table of node parameters. */
export const groupFields = {
  alloc_policy: text('AllocPolicy', 'Whether the allocator prefers, avoids or never uses the group.'),
  ctime: timestamp('CTime', 'When the group was created.'),
  custom_diskparams: other('CustomDiskParameters', 'The disk parameters that the group sets itself.'),
  custom_ipolicy: other('CustomInstancePolicy', "What the group overrides of the cluster's instance policy."),
  custom_ndparams: other('CustomNDParams', 'The node parameters that the group sets itself.'),
  diskparams: other(
    'DiskParameters',
    'The disk parameters by template; a set of the group replaces the whole set of the cluster.',
  ),
  ipolicy: other('InstancePolicy', 'The instance policy that applies in the group.'),
  mtime: timestamp('MTime', 'When it was last changed.'),
  name: text('Group', 'Its name.'),
  ndparams: other(
    'NDParams',
    'The node parameters of its nodes, with the defaults of the cluster filled in.',
  ),
  node_cnt: number('Nodes', 'How many nodes it has.'),
  node_list: list('NodeList', 'The names of its nodes.'),
  pinst_cnt: number('Instances', 'How many instances have their primary node in it.'),
  pinst_list: list('InstanceList', 'The names of the instances that have their primary node in it.'),
  serial_no: number('SerialNo', 'Grows with each change of it.'),
  tags: list('Tags', 'Its tags.'),
  uuid: text('UUID', 'Its uuid.'),
};

/** All fields of a node group. */
export const groupTable = fieldTable(groupFields, ndParamFields);
