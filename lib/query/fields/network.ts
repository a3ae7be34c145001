import { fieldTable, list, number, other, text, timestamp } from './build.ts';

/** The fields of a network. */
export const networkFields = {
  ctime: timestamp('CTime', 'When the network was created.'),
  external_reservations: text(
    'ExternalReservations',
    'The addresses that the pool does not assign to instances.',
  ),
  free_count: number('FreeCount', 'How many addresses of the pool are free.'),
  gateway: other('Gateway', 'Its IPv4 gateway.'),
  gateway6: other('IPv6Gateway', 'Its IPv6 gateway.'),
  group_cnt: number('NodeGroups', 'How many node groups are connected to it.'),
  group_list: list('GroupList', 'These groups, each with mode, link and VLAN of NICs in it.'),
  inst_cnt: number('Instances', 'How many instances have NICs in it.'),
  inst_list: list('InstanceList', 'The names of these instances.'),
  mac_prefix: other('MacPrefix', 'The prefix of the MAC addresses that are generated for NICs in it.'),
  map: text('Map', 'A letter for each address: X is reserved or taken, a dot is free.'),
  mtime: timestamp('MTime', 'When it was last changed.'),
  name: text('Network', 'Its name.'),
  network: text('Subnet', 'The IPv4 network.'),
  network6: other('IPv6Subnet', 'The IPv6 network.'),
  reserved_count: number('ReservedCount', 'How many addresses are reserved or taken.'),
  serial_no: number('SerialNo', 'Grows with each change of it.'),
  tags: list('Tags', 'Its tags.'),
  uuid: text('UUID', 'Its uuid.'),
};

/** All fields of a network. */
export const networkTable = fieldTable(networkFields);
