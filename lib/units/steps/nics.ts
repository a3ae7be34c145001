import { randomBytes, randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { MerapiError } from '../../base/errors.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { Network } from '../../model/network.ts';
import { type Nic, type NicParams, nicModes } from '../../model/nic.ts';
import type { ClusterView } from '../../model/view.ts';
import { networkNamed } from './find.ts';
import { POOL } from './nic-addresses.ts';

/** A NIC as a request describes it. */
export type NicRequest = Partial<
  Record<'bridge' | 'ip' | 'link' | 'mac' | 'mode' | 'name' | 'network' | 'vlan', string | null>
>;

const MAX_NICS = 8;
const NONE = ['', 'none'];

/**
 * The NICs of a new instance: addresses checked, MACs made where none is given.
 * @throws MerapiError wrong_input, configuration, resolver_error, resource_not_unique
 */
export async function buildNics(
  view: ClusterView,
  instance: string,
  requests: readonly NicRequest[],
): Promise<Nic[]> {
  if (requests.length > MAX_NICS)
    throw new MerapiError('wrong_input', `An instance has at most ${MAX_NICS} NICs, not ${requests.length}`);
  const taken = new Set<string>();
  const nics: Nic[] = [];
  for (const [index, request] of requests.entries()) {
    const network = networkOf(view, request, index);
    const nicparams = network ? {} : ownNicParams(view.cluster, request, index);
    const ip = await addressOf(request, instance, index);
    if (!network && { ...view.cluster.nicparams, ...nicparams }.mode === 'routed' && ip === null)
      throw new MerapiError('wrong_input', `NIC ${index} is routed and so needs an IP address`);
    const prefix = network?.mac_prefix ?? view.cluster.mac_prefix;
    const mac = macOf(view, request.mac ?? 'auto', prefix, taken, index);
    const name = request.name && !NONE.includes(request.name) ? request.name : null;
    nics.push({ uuid: randomUUID(), name, mac, ip, network: network?.uuid ?? null, nicparams });
  }
  return nics;
}

/** The network that a NIC is to be in. @throws MerapiError unknown_entity, wrong_input */
function networkOf(view: ClusterView, request: NicRequest, index: number): Network | null {
  const { network, ...rest } = request;
  if (!network || NONE.includes(network)) return null;
  const given = (['mode', 'link', 'bridge', 'vlan'] as const).filter((name) => rest[name]);
  if (given.length > 0)
    throw new MerapiError(
      'wrong_input',
      `NIC ${index}: its network decides ${given.join(', ')}; give either these or the network`,
    );
  return networkNamed(view, network);
}

function ownNicParams(cluster: Cluster, request: NicRequest, index: number): Partial<NicParams> {
  const { mode, link, bridge, vlan } = request;
  if (mode && mode !== 'default' && !(nicModes as readonly string[]).includes(mode))
    throw new MerapiError(
      'configuration',
      `NIC ${index}: '${mode}' is not a NIC mode; use ${nicModes.join(', ')}`,
    );
  if (link && bridge)
    throw new MerapiError('wrong_input', `NIC ${index}: give either link or bridge, they mean the same`);
  const wanted = mode && mode !== 'default' ? mode : cluster.nicparams.mode;
  if (wanted === 'pool')
    throw new MerapiError('configuration', `NIC ${index}: only a network can have mode pool`);
  if (bridge && wanted !== 'bridged')
    throw new MerapiError('wrong_input', `NIC ${index}: bridge belongs to mode bridged, not to ${wanted}`);
  const own: Partial<NicParams> = {};
  if (mode && mode !== 'default') own.mode = mode;
  const target = link ?? bridge;
  if (target && target !== 'default') own.link = target;
  if (vlan && vlan !== 'default') own.vlan = vlan;
  return own;
}

async function addressOf(request: NicRequest, instance: string, index: number): Promise<string | null> {
  const ip = request.ip ?? null;
  if (ip === null || NONE.includes(ip.toLowerCase())) return null;
  if (ip === POOL) {
    if (request.network && !NONE.includes(request.network)) return POOL;
    throw new MerapiError('wrong_input', `NIC ${index}: an address from a pool needs a network`);
  }
  if (ip === 'auto') {
    try {
      return (await lookup(instance)).address;
    } catch (cause) {
      throw new MerapiError('resolver_error', `NIC ${index}: the name ${instance} has no address`, { cause });
    }
  }
  if (!isIP(ip)) throw new MerapiError('wrong_input', `NIC ${index}: '${ip}' is not an IP address`);
  return ip;
}

function macOf(view: ClusterView, given: string, prefix: string, taken: Set<string>, index: number): string {
  const isFree = (mac: string) => !taken.has(mac) && view.macOwner(mac) === undefined;
  let mac = given.toLowerCase();
  if (mac === 'auto' || mac === 'generate') {
    do
      mac = `${prefix}:${randomBytes(3)
        .toString('hex')
        .replace(/..(?=.)/g, '$&:')}`;
    while (!isFree(mac));
  } else if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) || Number.parseInt(mac.slice(0, 2), 16) & 1)
    throw new MerapiError('wrong_input', `NIC ${index}: '${given}' is not a MAC address of one device`);
  else if (!isFree(mac))
    throw new MerapiError('resource_not_unique', `NIC ${index}: MAC address ${mac} is in use`);
  taken.add(mac);
  return mac;
}
