import { ndParamKinds } from '../../model/ndparams.ts';
import { bool, fieldTable, list, live, number, other, paramFields, text, timestamp, unit } from './build.ts';

/** Ganeti's titles of the fields `ndp/NAME`. */
const ndTitles = {
  exclusive_storage: 'ExclusiveStorage',
  oob_program: 'OutOfBandProgram',
  ovs: 'OpenvSwitch',
  ovs_link: 'OpenvSwitchLink',
  ovs_name: 'OpenvSwitchName',
  spindle_count: 'SpindleCount',
};

/** The fields `ndp/NAME` of nodes and groups. */
export const ndParamFields = paramFields('ndp', ndParamKinds, ndTitles, 'node parameter');

/** The fields of a node that are not made from the table of node parameters. */
export const nodeFields = {
  bootid: live(text('BootID', 'A uuid that changes each time the node boots.')),
  cnodes: live(number('CNodes', 'How many NUMA nodes the machine has.')),
  cnos: live(number('CNOs', 'How many CPUs the host itself may use.')),
  csockets: live(number('CSockets', 'How many CPU sockets the machine has.')),
  ctime: timestamp('CTime', 'When the node was added.'),
  ctotal: live(number('CTotal', 'How many logical CPUs the machine has.')),
  custom_ndparams: other('CustomNodeParameters', 'The node parameters that the node sets itself.'),
  dfree: live(unit('DFree', 'Free space for disks of instances, in MiB.')),
  disk_state: other('DiskState', 'Fixed values of its storage, if an administrator set them.'),
  drained: bool('Drained', 'Whether the node takes no new instances.'),
  dtotal: live(unit('DTotal', 'Space for disks of instances in all, in MiB.')),
  group: text('Group', 'The name of its node group.'),
  'group.uuid': text('GroupUUID', 'The uuid of its node group.'),
  hv_state: other('HypervisorState', 'Fixed values of its hypervisors, if an administrator set them.'),
  master: bool('IsMaster', 'Whether it is the master node.'),
  master_candidate: bool('MasterC', 'Whether it is a master candidate.'),
  master_capable: bool('MasterCapable', 'Whether it may become a master candidate.'),
  mfree: live(unit('MFree', 'Memory that is available to further instances, in MiB.')),
  mnode: live(unit('MNode', 'Memory in active use on the host, in MiB.')),
  mtime: timestamp('MTime', 'When its configuration was last changed.'),
  mtotal: live(unit('MTotal', 'Memory in all, in MiB.')),
  name: text('Node', 'Its name.', 'host'),
  ndparams: other('NodeParameters', 'All node parameters, with the defaults of group and cluster filled in.'),
  offline: bool('Offline', 'Whether an administrator marked it as offline.'),
  pinst_cnt: number('Pinst', 'How many instances have it as their primary node.'),
  pinst_list: list('PriInstances', 'The names of the instances that have it as their primary node.'),
  pip: text('PrimaryIP', 'Its primary address.'),
  powered: bool('Powered', 'Whether it is powered on, if an out-of-band program reports it.'),
  role: text('Role', 'One letter: M master, C candidate, R regular, D drained, O offline.'),
  serial_no: number('SerialNo', 'Grows with each change of its configuration.'),
  sinst_cnt: number('Sinst', 'How many instances have it as their secondary node.'),
  sinst_list: list('SecInstances', 'The names of the instances that have it as their secondary node.'),
  sip: text('SecondaryIP', 'Its address for replication.'),
  spfree: live(number('SpFree', 'Free spindles, where storage is exclusive.')),
  sptotal: live(number('SpTotal', 'Spindles in all, where storage is exclusive.')),
  tags: list('Tags', 'Its tags.'),
  uuid: text('UUID', 'Its uuid.'),
  vm_capable: bool('VMCapable', 'Whether it can run instances.'),
};

/** All fields of a node. */
export const nodeTable = fieldTable(nodeFields, ndParamFields);
