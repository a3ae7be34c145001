import * as z from 'zod';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, groupLock, newNameLock } from '../locking.ts';

export const nodeAdd = defineOpcode({
  id: 'OP_NODE_ADD',
  summary: 'Adds a node to the cluster; its worker must answer.',
  params: {
    node_name: required(kinds.name, 'The name of the node.'),
    hv_state: optional(maybe(kinds.dict), null, 'What the hypervisors of the node may use.'),
    disk_state: optional(maybe(kinds.dict), null, 'What disk space of the node may be used.'),
    primary_ip: optional(
      maybe(kinds.name),
      null,
      'Its address; by default the one that its name resolves to.',
    ),
    secondary_ip: optional(
      maybe(kinds.name),
      null,
      'Its address for replication; by default the primary one.',
    ),
    readd: optional(kinds.bool, false, 'Add a known node again, after it was newly installed.'),
    group: optional(maybe(kinds.name), null, 'Its node group; by default the only one.'),
    master_capable: optional(maybe(kinds.bool), null, 'Whether it may become the master; by default it may.'),
    vm_capable: optional(maybe(kinds.bool), null, 'Whether it may have instances; by default it may.'),
    ndparams: optional(maybe(kinds.dict), null, 'Its own node parameters.'),
    node_setup: optional(
      kinds.bool,
      false,
      'Accepted for old clients: Ganeti sets up SSH with it, which Merapi does not need.',
    ),
  },
  result: z.null(),
  summaryField: 'node_name',
  makes: 'node',
  locks: (params, view) => [
    clusterShared,
    // The group must not be removed meanwhile.
    {
      level: 'nodegroup',
      names:
        params.group === null
          ? view.groups.list().map((group) => group.name)
          : [groupLock(view, params.group)],
      mode: 'shared',
    },
    { level: 'node', names: [newNameLock(params.node_name)], mode: 'exclusive' },
  ],
  example: { node_name: 'node4.example.com', primary_ip: '198.51.100.14' },
});
