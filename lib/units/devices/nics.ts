// NICs from what a request says of them: forms of addresses, link parameters, MAC addresses. A unit calls the check* functions on the
// request alone, then buildNics(), then connectNics() and, in the commit, placeNics() (nic-addresses.ts).

import { isIP } from 'node:net';
import { MerapiError } from '../../base/errors.ts';
import type { Resolver } from '../../base/resolver.ts';
import type { Cluster } from '../../model/cluster.ts';
import { checkDeviceNames } from '../../model/device-names.ts';
import { networkNamed } from '../../model/find.ts';
import { canonical6 } from '../../model/ip6.ts';
import { givenName } from '../../model/names.ts';
import type { Network } from '../../model/network.ts';
import { type Nic, type NicParams, nicModes } from '../../model/nic.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CheckContext } from '../define.ts';
import { POOL } from './nic-addresses.ts';

/** A NIC as a request describes it. */
export type NicRequest = Partial<
  Record<'bridge' | 'ip' | 'link' | 'mac' | 'mode' | 'name' | 'network' | 'vlan', string | null>
>;

const MAX_NICS = 8;
/** As mode, link or vlan: the cluster's value. */
export const DEFAULT = 'default';
/** As a MAC address of a new NIC, and of an existing one: generate one. */
const AUTO = 'auto';
export const GENERATE = 'generate';
/** A MAC address that no device can have. */
const ZERO_MAC = '00:00:00:00:00:00';

/** Whether a MAC address is a unicast address: with an odd first byte it is a multicast address. */
const isDeviceMac = (mac: string) => /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac) && mac !== ZERO_MAC;

/** Whether it is a MAC address, unicast or multicast. */
const isMac = (mac: string) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac);

/** Whether it is a list of VLANs: the number of the untagged one, alone or after a point, and tagged ones each after a colon. */
const isVlan = (text: string) => /^(\d+|(\.\d+)?(:\d+)*)$/.test(text);

/** The parameters that the network of a NIC decides. */
const decidedByNetwork = ['mode', 'link', 'bridge', 'vlan'] as const;

/**
 * Checks from a request alone, without the cluster, that it sets no mode or link beside a network. `what` names the NIC in messages,
 * here and below. @throws MerapiError wrong_input
 */
export function checkDecided(request: NicRequest, what: string): void {
  if (givenName(request.network) !== null) refuseDecided(request, what, ['mode', 'link']);
}

/**
 * Checks the forms of the addresses in a request. Only a new NIC must name its network when it gets an address from a pool; an
 * existing one may be in a network already. @throws MerapiError wrong_input
 */
export function checkAddressForms(request: NicRequest, what: string, isNew: boolean): void {
  const ip = givenName(request.ip);
  if (ip === POOL) {
    if (isNew && givenName(request.network) === null) throw noPool(what);
  } else if (ip !== null) checkedAddress(ip, what);
  const { mac } = request;
  if (!isNew && mac === AUTO)
    throw new MerapiError(
      'wrong_input',
      `${what}: give generate, not auto, for a new MAC address of an existing NIC`,
    );
  if (mac && mac !== AUTO && mac !== GENERATE && !isMac(mac.toLowerCase())) throw noMac(mac, what);
}

/** @throws MerapiError wrong_input when vlan is not a list of VLANs */
export function checkVlan({ vlan }: NicRequest, what: string): void {
  if (vlan === undefined || vlan === null || isVlan(vlan)) return;
  throw new MerapiError(
    'wrong_input',
    `${what}: '${vlan}' is not a list of VLANs; give the untagged one such as .5, tagged ones such as :6:7, or both`,
  );
}

/** @throws MerapiError wrong_input when the request sets one of these, which its network decides */
function refuseDecided(
  request: NicRequest,
  what: string,
  names: readonly (typeof decidedByNetwork)[number][],
): void {
  const given = names.filter((name) => request[name]);
  if (given.length > 0)
    throw new MerapiError(
      'wrong_input',
      `${what}: its network decides ${given.join(', ')}; give either these or the network`,
    );
}

const noPool = (what: string) =>
  new MerapiError('wrong_input', `${what}: an address from a pool needs a network`);

const noMac = (mac: string, what: string) =>
  new MerapiError(
    'wrong_input',
    `${what}: '${mac}' is not a MAC address of one device; give six bytes such as aa:00:00:12:34:56, the first of them even, or auto`,
  );

/** An IP address in its canonical form. @throws MerapiError wrong_input */
function checkedAddress(ip: string, what: string): string {
  const address = isIP(ip) === 4 ? ip : canonical6(ip);
  if (address !== null) return address;
  throw new MerapiError(
    'wrong_input',
    `${what}: '${ip}' is not an IP address; give one such as 192.0.2.7 or 2001:db8::7, without a zone`,
  );
}

/** What buildNics() needs beside the request. */
export type NicWorld = Pick<CheckContext, 'view' | 'random' | 'resolver'>;

/**
 * The NICs that requests describe, with checked addresses and with generated MAC addresses where none is given. If `before` has a NIC
 * at the index of a request, the request changes that NIC: what it does not name stays, and an empty request changes nothing. So a
 * change of an instance passes all its NICs as `before`, with empty requests for those that do not change.
 * @throws MerapiError wrong_input, configuration, resolver_error, resource_not_unique, not_found
 */
export async function buildNics(
  { view, random, resolver }: NicWorld,
  instance: string,
  requests: readonly NicRequest[],
  before: readonly (Nic | undefined)[] = [],
): Promise<Nic[]> {
  if (requests.length > MAX_NICS)
    throw new MerapiError('wrong_input', `An instance has at most ${MAX_NICS} NICs, not ${requests.length}`);
  const usedMacs = new Set<string>();
  const nics: Nic[] = [];
  for (const [index, request] of requests.entries()) {
    const old = before[index];
    const network = networkOf(view, request, index, old);
    const nicparams = paramsOf(view.cluster, request, index, network, old);
    const ip =
      request.ip === undefined && old ? old.ip : await addressOf(resolver, request, network, instance, index);
    if (!network && { ...view.cluster.nicparams, ...nicparams }.mode === 'routed' && ip === null)
      throw new MerapiError('wrong_input', `NIC ${index} is routed and so needs an IP address`);
    const wanted = request.mac ?? macBefore(view, network, old);
    const mac = macOf({ view, random }, wanted, network, usedMacs, index, old);
    const given = request.name === undefined ? old?.name : request.name;
    const name = givenName(given);
    nics.push({ uuid: old?.uuid ?? random.uuid(), name, mac, ip, network: network?.uuid ?? null, nicparams });
  }
  const named = requests.flatMap(({ name }, index) => (name ? [nics[index]?.name ?? null] : []));
  checkDeviceNames(
    named,
    nics.map(({ name }) => name),
    'NIC',
  );
  return nics;
}

/** The network that a NIC is to be in. @throws MerapiError not_found, wrong_input */
function networkOf(view: ClusterView, request: NicRequest, index: number, old?: Nic): Network | null {
  const wanted = request.network === undefined ? old?.network : request.network;
  const named = givenName(wanted);
  if (named === null) return null;
  refuseDecided(request, `NIC ${index}`, ['mode', 'link']);
  const network = networkNamed(view, named);
  refuseDecided(request, `NIC ${index}`, decidedByNetwork);
  return network;
}

/** The NIC parameters that a NIC sets itself; in a network none, since connectNics() takes them from the node's group. */
function paramsOf(
  cluster: Cluster,
  request: NicRequest,
  index: number,
  network: Network | null,
  old: Nic | undefined,
): Partial<NicParams> {
  if (!network) return ownNicParams(cluster, request, index, old?.nicparams ?? {});
  return network.uuid === old?.network ? old.nicparams : {};
}

/** The NIC parameters of a NIC without a network. @throws MerapiError configuration, wrong_input */
function ownNicParams(
  cluster: Cluster,
  request: NicRequest,
  index: number,
  old: Partial<NicParams>,
): Partial<NicParams> {
  const { mode, link, bridge, vlan } = request;
  if (mode && mode !== DEFAULT && !(nicModes as readonly string[]).includes(mode))
    throw new MerapiError(
      'configuration',
      `NIC ${index}: '${mode}' is not a NIC mode; use ${nicModes.join(', ')}`,
    );
  if (link && bridge)
    throw new MerapiError('wrong_input', `NIC ${index}: give either link or bridge, they mean the same`);
  const own = Object.fromEntries(
    Object.entries({ ...old, ...given({ mode, link: link ?? bridge, vlan }) }).filter(
      ([, value]) => value !== DEFAULT,
    ),
  ) as Partial<NicParams>;
  const wanted = own.mode ?? cluster.nicparams.mode;
  if (wanted === 'pool')
    throw new MerapiError('configuration', `NIC ${index}: only a network can have mode pool`);
  if (bridge && wanted !== 'bridged')
    throw new MerapiError('wrong_input', `NIC ${index}: bridge belongs to mode bridged, not to ${wanted}`);
  return own;
}

/** The values that are given: neither absent, null nor empty. */
function given(values: Record<string, string | null | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => !!entry[1]));
}

/** The IP address of a NIC, POOL, or null. @throws MerapiError wrong_input, resolver_error */
async function addressOf(
  resolver: Resolver,
  request: NicRequest,
  network: Network | null,
  instance: string,
  index: number,
): Promise<string | null> {
  const ip = givenName(request.ip);
  if (ip === null) return null;
  if (ip === POOL) {
    if (network) return POOL;
    throw noPool(`NIC ${index}`);
  }
  if (ip === 'auto') {
    try {
      return await resolver.addressOf(instance);
    } catch (cause) {
      throw new MerapiError('resolver_error', `NIC ${index}: the name ${instance} has no address`, { cause });
    }
  }
  return checkedAddress(ip, `NIC ${index}`);
}

/** The MAC prefix of NICs in a network: its own, or the cluster's. */
const prefixOf = (view: ClusterView, network: Network | null | undefined): string =>
  network?.mac_prefix ?? view.cluster.mac_prefix;

/** The MAC address of a NIC whose request names none: the one that it has, unless it moves to a network with another MAC prefix. */
function macBefore(view: ClusterView, network: Network | null, old: Nic | undefined): string {
  if (!old) return AUTO;
  const prefix = prefixOf(view, old.network === null ? null : view.networks.get(old.network));
  return prefix === prefixOf(view, network) ? old.mac : AUTO;
}

/** A random address with a prefix. @throws MerapiError insufficient_resources when hardly any address with it is free */
function freeMac(
  prefix: string,
  random: NicWorld['random'],
  isFree: (mac: string) => boolean,
  index: number,
): string {
  for (let attempt = 0; attempt < MAC_ATTEMPTS; attempt++) {
    const suffix = random
      .bytes(3)
      .toString('hex')
      .replace(/..(?=.)/g, '$&:');
    const mac = `${prefix}:${suffix}`;
    if (isFree(mac)) return mac;
  }
  throw new MerapiError(
    'insufficient_resources',
    `NIC ${index}: no free MAC address with the prefix ${prefix} was found in ${MAC_ATTEMPTS} attempts; set another prefix (mac_prefix)`,
  );
}

/** How many random addresses are tried: of 16 million addresses this finds one unless about 99 of 100 are in use. */
const MAC_ATTEMPTS = 1000;

/**
 * The MAC address of a NIC, checked or generated.
 * @throws MerapiError wrong_input, resource_not_unique, insufficient_resources
 */
function macOf(
  { view, random }: Pick<NicWorld, 'view' | 'random'>,
  wanted: string,
  network: Network | null,
  usedMacs: Set<string>,
  index: number,
  old: Nic | undefined,
): string {
  const isFree = (mac: string) =>
    !usedMacs.has(mac) && (mac === old?.mac || (mac !== ZERO_MAC && view.macOwner(mac) === undefined));
  let mac = wanted.toLowerCase();
  if (wanted === AUTO || wanted === GENERATE) {
    mac = freeMac(prefixOf(view, network), random, isFree, index);
  } else if (mac !== old?.mac && !isDeviceMac(mac)) throw noMac(wanted, `NIC ${index}`);
  else if (!isFree(mac))
    throw new MerapiError('resource_not_unique', `NIC ${index}: MAC address ${mac} is in use`);
  usedMacs.add(mac);
  return mac;
}
