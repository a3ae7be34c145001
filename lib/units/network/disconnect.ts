// OP_NETWORK_DISCONNECT: disconnects a network from a node group in which no NIC uses it. If it is not connected, nothing happens: the
// facts are null then.

import { MerapiError } from '../../base/errors.ts';
import { groupNamed, networkNamed } from '../../model/find.ts';
import { changed } from '../../model/object.ts';
import { networkDisconnect as opcode } from '../../opcodes/network/disconnect.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { connectionHooks } from '../hooks/hooks.ts';

export const networkDisconnect = defineUnit(opcode, {
  check({ view, log }, params) {
    const network = networkNamed(view, params.network_name);
    const group = groupNamed(view, params.group_name);
    if (!Object.hasOwn(group.networks, network.uuid)) {
      log(`Network ${network.name} is not connected to group ${group.name}`);
      return null;
    }
    const users = view
      .instancesIn(network.uuid)
      .filter((instance) => view.nodes.get(instance.primary_node)?.group === group.uuid);
    if (users.length > 0)
      throw new MerapiError(
        'wrong_state',
        `Instances of group ${group.name} have NICs in the network: ${users.map(({ name }) => name).join(', ')}`,
      );
    return { group: group.uuid, network: network.uuid };
  },

  hooks: (view, facts) => connectionHooks(view, 'network-disconnect', facts),

  async run(context, facts) {
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const group = facts && view.groups.get(facts.group);
        if (!group) return [];
        const { [facts.network]: _removed, ...networks } = group.networks;
        return [put('nodegroup', changed(group, { networks }, now))];
      },
    };
  },
});
