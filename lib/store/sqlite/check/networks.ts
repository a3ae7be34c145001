import type { Instance } from '../../../model/instance.ts';
import { boundaryAddresses, contains, range4 } from '../../../model/ip-pool.ts';
import type { Network } from '../../../model/network.ts';
import { holds } from '../../../model/network-addresses.ts';
import type { SoundObjects } from './objects.ts';
import type { Findings } from './problem.ts';
import { checkUnique } from './references.ts';

/** Checks the pools of networks, that addresses of NICs belong to their networks, and that no two NICs share a MAC or IP address. */
export function checkNetworks({ instance, network }: SoundObjects, findings: Findings): void {
  for (const each of network.values()) checkPool(each, findings);
  const nics = [...instance.values()].flatMap((owner) =>
    owner.nics.map((nic, index) => ({ nic, about: nicName(owner, index) })),
  );
  for (const { nic, about } of nics) {
    if (nic.network === null) continue;
    const found = network.get(nic.network);
    if (!found) findings.add('reference', about, `its network ${nic.network} does not exist`);
    else if (nic.ip !== null && !holds(found, nic.ip))
      findings.add(
        'reference',
        about,
        `its address ${nic.ip} is not in network ${found.name} (${found.network})`,
      );
  }
  checkUnique(
    nics.map(({ nic, about }) => [nic.mac.toLowerCase(), about]),
    (mac, other) => `has the MAC address ${mac} of ${other}`,
    findings,
  );
  checkUnique(
    nics.map(({ nic, about }) => [nic.uuid, about]),
    (uuid, other) => `has the uuid ${uuid} of ${other}`,
    findings,
  );
  const nameOf = (uuid: string) => network.get(uuid)?.name ?? uuid;
  checkUnique(
    nics.flatMap(({ nic, about }) =>
      nic.network === null || nic.ip === null ? [] : [[`${nic.ip} of network ${nameOf(nic.network)}`, about]],
    ),
    (address, other) => `has the address ${address}, as ${other} does`,
    findings,
  );
}

function nicName(instance: Instance, index: number): string {
  return `NIC ${index} of instance ${instance.name}`;
}

function checkPool(network: Network, findings: Findings): void {
  const about = `network ${network.name}`;
  const range = range4(network.network);
  if (!range) {
    findings.add('object', about, `'${network.network}' is not an IPv4 network`);
    return;
  }
  const outside = network.reservations.filter((ip) => !contains(network, ip));
  for (const ip of outside)
    findings.add('object', about, `reserves ${ip}, which is not one of its addresses`);
  const own = [...boundaryAddresses(range), ...(network.gateway === null ? [] : [network.gateway])];
  for (const ip of own)
    if (!network.reservations.includes(ip))
      findings.add('object', about, `does not reserve ${ip}, its first or last address or its gateway`);
}
