import { MerapiError } from '../../base/errors.ts';
import { networkNamed } from '../../model/find.ts';
import { networkRemove as opcode } from '../../opcodes/network/remove.ts';
import { remove } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { networkHooks } from '../hooks/hooks.ts';

export const networkRemove = defineUnit(opcode, {
  check({ view }, params) {
    const network = networkNamed(view, params.network_name);
    const groups = view.groups.list().filter((group) => Object.hasOwn(group.networks, network.uuid));
    if (groups.length > 0)
      throw new MerapiError(
        'wrong_state',
        `Network ${network.name} is connected to ${groups.map(({ name }) => name).join(', ')}; disconnect it first`,
      );
    return { uuid: network.uuid };
  },

  hooks: (view, { uuid }) => {
    const network = view.networks.get(uuid);
    return network ? networkHooks(view, 'network-remove', network) : null;
  },

  run: async (_context, { uuid }) => ({ result: null, changes: () => [remove('network', uuid)] }),
});
