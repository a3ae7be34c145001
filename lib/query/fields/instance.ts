import { beParamKinds } from '../../model/beparams.ts';
import type { ParamKinds } from '../../model/enforce.ts';
import { clusterOnlyHvParams, hypervisorParams } from '../../model/hvparams/index.ts';
import type { Field } from '../define.ts';
import {
  bool,
  fieldTable,
  forUsers,
  indexedFields,
  list,
  live,
  number,
  other,
  own,
  paramFields,
  text,
  timestamp,
  unit,
} from './build.ts';

/** A field whose value a guest tells through its agent. */
const guestField = (field: Field): Field => own(live(forUsers(field)));

/** How many NICs and disks have fields of their own; an instance has at most this many. */
export const NIC_FIELDS = 8;
export const DISK_FIELDS = 16;

/** Ganeti's titles of the fields `hv/NAME`; the others have their names as titles. */
const hvTitles = {
  acpi: 'ACPI',
  boot_order: 'Boot_order',
  cdrom_image_path: 'CDROM_image_path',
  cpu_type: 'cpu_type',
  disk_type: 'Disk_type',
  initrd_path: 'Initrd_path',
  kernel_path: 'Kernel_path',
  nic_type: 'NIC_type',
  pae: 'PAE',
  pci_pass: 'pci_pass',
  vnc_bind_address: 'VNC_bind_address',
};

/** Ganeti's titles of the fields `be/NAME`. */
const beTitles = {
  auto_balance: 'Auto_balance',
  maxmem: 'ConfigMaxMem',
  memory: 'ConfigMaxMem',
  minmem: 'ConfigMinMem',
  vcpus: 'ConfigVCPUs',
};

/** The parameters of all hypervisors that an instance can set. */
function instanceHvParamKinds(): ParamKinds {
  const all = Object.assign({}, ...Object.values(hypervisorParams).map((set) => set.kinds)) as ParamKinds;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !clusterOnlyHvParams.includes(name)));
}

/** The fields `hv/NAME`. */
export const hvParamFields = paramFields('hv', instanceHvParamKinds(), hvTitles, 'hypervisor parameter');

/** The fields `be/NAME`; `memory` is the old name of maxmem. */
export const beParamFields = paramFields(
  'be',
  { ...beParamKinds, memory: 'size' },
  beTitles,
  'backend parameter',
);

/** The fields of a single NIC, named `NAME/INDEX`; `#` stands for the index. */
export const nicFamilies = {
  'nic.bridge': text('NicBridge', 'The bridge of NIC #, when it is bridged.'),
  'nic.ip': text('NicIP', 'The address of NIC #.'),
  'nic.link': text('NicLink', 'The link of NIC #.'),
  'nic.mac': text('NicMAC', 'The MAC address of NIC #.'),
  'nic.mode': text('NicMode', 'The mode of NIC #.'),
  'nic.name': text('NicName', 'The name of NIC #.'),
  'nic.network': text('NicNetwork', 'The network of NIC #, by uuid.'),
  'nic.network.name': text('NicNetworkName', 'The name of the network of NIC #.'),
  'nic.uuid': text('NicUUID', 'The uuid of NIC #.'),
  'nic.vlan': text('NicVLAN', 'The VLAN of NIC #.'),
};

/** The fields of a single disk, named `NAME/INDEX`; `#` stands for the index. */
export const diskFamilies = {
  'disk.name': text('DiskName', 'The name of disk #.'),
  'disk.size': unit('Disk', 'The size of disk # in MiB.'),
  'disk.spindles': number('DiskSpindles', 'The spindles of disk #.'),
  'disk.uuid': text('DiskUUID', 'The uuid of disk #.'),
};

/** The fields of an instance that are not derived from the tables above. */
export const instanceFields = {
  admin_state: text('InstanceState', 'Its admin state, i.e. what it is meant to be: up, down or offline.'),
  admin_state_source: text('InstanceStateSource', 'Who set its admin state: admin or user.'),
  admin_up: bool('Autostart', 'Whether it is meant to run.'),
  beparams: other('BackendParameters', 'All backend parameters, with the defaults filled in.'),
  bridge: text('NicBridge/0', 'The same as nic.bridge/0.'),
  console: live(forUsers(other('Console', 'How to connect to its console.'))),
  ctime: timestamp('CTime', 'When it was created.'),
  custom_beparams: other('CustomBackendParameters', 'The backend parameters that it sets itself.'),
  custom_hvparams: other('CustomHypervisorParameters', 'The hypervisor parameters that it sets itself.'),
  custom_nicparams: list('CustomNicParameters', 'For each NIC the parameters that it sets itself.'),
  custom_osparams: other('CustomOpSysParameters', 'The public OS parameters that it sets itself.'),
  'disk.count': number('Disks', 'How many disks it has.'),
  'disk.names': list('Disk_names', 'The names of its disks.'),
  'disk.sizes': list('Disk_sizes', 'The sizes of its disks in MiB.'),
  'disk.spindles': list('Disk_spindles', 'The spindles of its disks.'),
  'disk.uuids': list('Disk_UUIDs', 'The uuids of its disks.'),
  disk_template: text('Disk_template', 'How its disks are stored.'),
  disk_usage: unit('DiskUsage', 'The space that its disks use on a node, in MiB.'),
  disks_active: bool('DisksActive', 'Whether its disks are meant to be in use.'),
  forthcoming: bool('Forthcoming', 'Whether it is only reserved and not yet created.'),
  'guest.agent': guestField(
    text('Agent', 'The state of its guest agent: `open` when it can be asked, `frozen` or `closed`.'),
  ),
  'guest.hostname': guestField(
    text('GuestHostname', 'The host name that the guest tells through its agent.'),
  ),
  'guest.ips': guestField(
    list(
      'GuestIPs',
      'The addresses that the guest tells through its agent, without loopback and link-local ones.',
    ),
  ),
  'guest.os': guestField(text('GuestOS', 'The operating system that the guest tells through its agent.')),
  hvparams: other('HypervisorParameters', 'All its hypervisor parameters, with the defaults filled in.'),
  hypervisor: text('Hypervisor', 'Its hypervisor.'),
  ip: text('NicIP/0', 'The same as nic.ip/0.'),
  mac: text('NicMAC/0', 'The same as nic.mac/0.'),
  mtime: timestamp('MTime', 'When its configuration was last changed.'),
  name: text('Instance', 'Its name.', 'host'),
  network_port: other('Network_port', 'The port of its console.'),
  'nic.bridges': list('NIC_bridges', 'The bridges of its NICs; null for one that is not bridged.'),
  'nic.count': number('NICs', 'How many NICs it has.'),
  'nic.ips': list('NIC_IPs', 'The addresses of its NICs.'),
  'nic.links': list('NIC_links', 'The links of its NICs.'),
  'nic.macs': list('NIC_MACs', 'The MAC addresses of its NICs.'),
  'nic.modes': list('NIC_modes', 'The modes of its NICs.'),
  'nic.names': list('NIC_Names', 'The names of its NICs.'),
  'nic.networks': list('NIC_networks', 'The networks of its NICs, by uuid.'),
  'nic.networks.names': list('NIC_networks_names', 'The names of the networks of its NICs.'),
  'nic.uuids': list('NIC_UUIDs', 'The uuids of its NICs.'),
  'nic.vlans': list('NIC_VLANs', 'The VLANs of its NICs.'),
  nic_link: text('NicLink/0', 'The same as nic.link/0.'),
  nic_mode: text('NicMode/0', 'The same as nic.mode/0.'),
  nic_network: text('NicNetwork/0', 'The same as nic.network/0.'),
  oper_ram: live(unit('Memory', 'The memory that it has while it runs, in MiB.')),
  oper_state: live(bool('Running', 'Whether it runs.')),
  oper_vcpus: live(number('VCPUs', 'The CPUs that it has while it runs.')),
  os: text('OS', 'Its OS definition.'),
  osparams: other('OpSysParameters', 'All its public OS parameters, with the defaults filled in.'),
  pnode: text('Primary_node', 'Its primary node.', 'host'),
  'pnode.group': text('PrimaryNodeGroup', 'The group of its primary node.'),
  'pnode.group.uuid': text('PrimaryNodeGroupUUID', 'The uuid of the group of its primary node.'),
  sda_size: unit('Disk/0', 'The same as disk.size/0.'),
  sdb_size: unit('Disk/1', 'The same as disk.size/1.'),
  serial_no: number('SerialNo', 'Grows with each change of its configuration.'),
  snodes: list('Secondary_Nodes', 'Its secondary nodes.'),
  'snodes.group': list('SecondaryNodesGroups', 'The groups of its secondary nodes.'),
  'snodes.group.uuid': list('SecondaryNodesGroupsUUID', 'The uuids of the groups of its secondary nodes.'),
  status: live(text('Status', 'Its admin state and its actual state, combined in one word.')),
  tags: list('Tags', 'Its tags.'),
  uuid: text('UUID', 'Its uuid.'),
  vcpus: number('ConfigVCPUs', 'The same as be/vcpus.'),
};

/** All fields of an instance. */
export const instanceTable = fieldTable(
  instanceFields,
  indexedFields(nicFamilies, NIC_FIELDS),
  indexedFields(diskFamilies, DISK_FIELDS),
  beParamFields,
  hvParamFields,
);
