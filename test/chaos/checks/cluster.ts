import type { EndState, StoredInstance } from '../state.ts';
import { type Check, type Finding, isSame, repeated } from './finding.ts';

const named = (text: string, ...subjects: string[]): Finding => ({ text, subjects });

const unique: Check = {
  name: 'names, uuids and MAC addresses are unique',
  find: ({ objects }) => {
    const { instances, nodes, groups, networks, disks } = objects;
    const found = (what: string, list: readonly string[]) =>
      repeated(list).map((each) => named(`Two ${what} ${each}`, each));
    const nics = instances.flatMap((instance) => instance.nics);
    return [
      ...[...Object.entries({ instances, nodes, groups, networks })].flatMap(([kind, list]) =>
        found(
          `${kind} are named`,
          list.map(({ name }) => name),
        ),
      ),
      ...found(
        'objects have the uuid',
        [instances, nodes, groups, networks, disks, nics].flatMap((list) => list.map(({ uuid }) => uuid)),
      ),
      ...found(
        'NICs have the MAC address',
        nics.map(({ mac }) => mac),
      ),
    ];
  },
};

const references: Check = {
  name: 'what objects say of each other is true',
  find: ({ objects: { instances, disks, nodes, groups, networks } }) => {
    const has = (list: readonly { uuid: string }[], uuid: string) => list.some((each) => each.uuid === uuid);
    return [
      ...instances.flatMap((instance): Finding[] => [
        ...(has(nodes, instance.primary_node)
          ? []
          : [named(`${instance.name} is on no node`, instance.name)]),
        ...instance.disks
          .filter((uuid) => disks.find((disk) => disk.uuid === uuid)?.instance !== instance.uuid)
          .map((uuid) =>
            named(`Disk ${uuid} of ${instance.name} is missing or another's`, instance.name, uuid),
          ),
        ...instance.nics
          .filter(({ network }) => network !== null && !has(networks, network))
          .map(({ uuid }) => named(`NIC ${uuid} of ${instance.name} is in no network`, instance.name)),
      ]),
      ...disks
        .filter(({ uuid, instance }) => {
          const user = instances.find((each) => each.uuid === instance);
          return instance !== null && !user?.disks.includes(uuid);
        })
        .map(({ uuid, instance }) => named(`Disk ${uuid} is of ${instance}, which does not have it`, uuid)),
      ...nodes
        .filter(({ group }) => !has(groups, group))
        .map(({ name }) => named(`Node ${name} is in no group`, name)),
      ...groups.flatMap((group) =>
        Object.keys(group.networks)
          .filter((uuid) => !has(networks, uuid))
          .map((uuid) =>
            named(`Group ${group.name} has the network ${uuid}, which is not there`, group.name, uuid),
          ),
      ),
    ];
  },
};

const mirrors: Check = {
  name: 'mirrored disks are on two nodes, with ports and numbers of their own',
  find: ({ objects: { instances, disks, nodes } }) => {
    const mirrored = disks.filter(({ dev_type }) => dev_type === 'drbd');
    const numbers = mirrored.flatMap(({ logical_id: [a, b, , first, second] }) => [
      `${a}/${first}`,
      `${b}/${second}`,
    ]);
    return [
      ...repeated(numbers).map((number) => named(`Two mirrors have the number ${number}`)),
      ...repeated(mirrored.map(({ logical_id }) => logical_id[2])).map((port) =>
        named(`Two mirrors have the port ${port}`),
      ),
      ...mirrored
        .filter(({ logical_id: [a, b], instance }) => {
          const user = instances.find(({ uuid }) => uuid === instance);
          const known = [a, b].every((uuid) => nodes.some((node) => node.uuid === uuid));
          return !known || a === b || (user && ![a, b].includes(user.primary_node));
        })
        .map(({ uuid }) => named(`Mirror ${uuid} is not on the node of its instance and another one`, uuid)),
    ];
  },
};

/** The number of an IPv4 address. */
function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

const addresses: Check = {
  name: 'addresses are unique, in their network, and counted by its pool',
  find: ({ objects: { instances, networks }, shown }) =>
    networks.flatMap((network): Finding[] => {
      const [base = '', bits] = network.network.split('/');
      const size = 2 ** (32 - Number(bits));
      const used = instances.flatMap(({ name, nics }) =>
        nics.flatMap(({ network: uuid, ip }) => (uuid === network.uuid && ip !== null ? [{ name, ip }] : [])),
      );
      const outside = used.filter(({ ip }) => {
        const place = numberOf(ip) - numberOf(base);
        return place < 0 || place >= size;
      });
      const taken = new Set([...network.reservations, ...used.map(({ ip }) => ip)]);
      const told = shown.networks.find(({ name }) => name === network.name);
      const counts = [told?.free_count, told?.reserved_count];
      const map = [...(told?.map ?? '')].filter((mark) => mark === 'X').length;
      const isCounted = isSame(counts, [size - taken.size, taken.size]) && map === taken.size;
      return [
        ...repeated(used.map(({ ip }) => ip)).map((ip) =>
          named(
            `Two NICs in ${network.name} have ${ip}`,
            ...used.filter((nic) => nic.ip === ip).map(({ name }) => name),
          ),
        ),
        ...outside.map(({ name, ip }) => named(`${ip} of ${name} is not in ${network.name}`, name)),
        ...(isCounted
          ? []
          : [
              named(
                `${network.name}: ${taken.size} of ${size} addresses are taken; told is ${counts}`,
                network.name,
              ),
            ]),
      ];
    }),
};

const told: Check = {
  name: 'the API tells of instances what is stored',
  find: ({ objects, shown }) => {
    const stored = objects.instances.map((instance) => rowOf(objects, instance));
    const rows = shown.instances.map(({ status: _status, ...row }) => row);
    const names = [...new Set([...stored, ...rows].map(({ name }) => name))];
    return names.flatMap((name) => {
      const [one, other] = [stored, rows].map((list) => list.find((row) => row.name === name));
      return isSame(one, other)
        ? []
        : [named(`${name} is stored as ${JSON.stringify(one)} and told as ${JSON.stringify(other)}`, name)];
    });
  },
};

function rowOf({ nodes, disks }: EndState['objects'], instance: StoredInstance) {
  return {
    name: instance.name,
    pnode: nodes.find(({ uuid }) => uuid === instance.primary_node)?.name,
    admin_state: instance.admin_state,
    sizes: instance.disks.map((uuid) => disks.find((disk) => disk.uuid === uuid)?.size),
  };
}

/** What must be true of the cluster's objects. */
export const clusterChecks: readonly Check[] = [unique, references, mirrors, addresses, told];
