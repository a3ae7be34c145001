// OP_NETWORK_CONNECT: connects a network to a node group with NIC parameters. A network that is connected already stays as it is: the
// facts are null then. With conflicts_check no NIC in the group may have an address of the network without being in it.

import { MerapiError } from '../../base/errors.ts';
import { groupNamed, networkNamed } from '../../model/find.ts';
import { contains } from '../../model/ip-pool.ts';
import { changed } from '../../model/object.ts';
import { networkConnect as opcode } from '../../opcodes/network/connect.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { connectionHooks } from '../hooks/hooks.ts';

export const networkConnect = defineUnit(opcode, {
  check({ view, log }, params) {
    const network = networkNamed(view, params.network_name);
    const group = groupNamed(view, params.group_name);
    if (Object.hasOwn(group.networks, network.uuid)) {
      log(`Network ${network.name} is connected to group ${group.name} already`);
      return null;
    }
    if (params.conflicts_check) {
      const instances = view.nodesOf(group.uuid).flatMap((node) => view.instancesOn(node.uuid));
      const conflicts = instances.flatMap(({ name, nics }) =>
        nics
          .filter(({ ip, network: other }) => other === null && ip !== null && contains(network, ip))
          .map(({ ip }) => `${ip} (${name})`),
      );
      if (conflicts.length > 0)
        throw new MerapiError(
          'wrong_state',
          `Instances of group ${group.name} have addresses of the network: ${conflicts.join(', ')}`,
        );
    }
    const { network_mode: mode, network_link: link, network_vlan: vlan } = params;
    return { group: group.uuid, network: network.uuid, link: { mode, link, vlan } };
  },

  hooks: (view, facts) => connectionHooks(view, 'network-connect', facts),

  async run(context, facts) {
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const group = facts && view.groups.get(facts.group);
        if (!group) return [];
        const networks = { ...group.networks, [facts.network]: facts.link };
        return [put('nodegroup', changed(group, { networks }, now))];
      },
    };
  },
});
