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
/** In the place of a link parameter: the cluster's. */
export const DEFAULT = 'default';
/** In the place of a MAC address: a new one. */
const AUTO = 'auto';
export const GENERATE = 'generate';
/** The MAC address that stands for no device. */
const NOBODY = '00:00:00:00:00:00';

/** Whether a MAC address can be that of one device: an odd first byte is for groups of them. */
const isDeviceMac = (mac: string) => /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac) && mac !== NOBODY;

/** Any MAC address, of one device or of many. */
const isMac = (mac: string) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac);

/** VLANs of a port: the number of the untagged one, alone or after a point, and the tagged ones each after a colon. */
const isVlan = (text: string) => /^(\d+|(\.\d+)?(:\d+)*)$/.test(text);

/** What a network decides for its NICs. */
const decided = ['mode', 'link', 'bridge', 'vlan'] as const;

/**
 * Looks at a request alone, not at the cluster, for what its network decides. `what` names the NIC in messages, here and below.
 * @throws MerapiError wrong_input
 */
export function checkDecided(request: NicRequest, what: string): void {
  if (givenName(request.network) !== null) refuseDecided(request, what, ['mode', 'link']);
}

/** Looks at the addresses of a request alone; only a new NIC must say its network with an address from a pool. @throws MerapiError wrong_input */
export function checkAddressForms(request: NicRequest, what: string, isNew: boolean): void {
  const ip = givenName(request.ip);
  if (ip === POOL) {
    if (isNew && givenName(request.network) === null) throw noPool(what);
  } else if (ip !== null) checkedAddress(ip, what);
  const { mac } = request;
  if (!isNew && mac === AUTO)
    throw new MerapiError(
      'wrong_input',
      `${what}: a NIC that is there gets a new MAC address by generate, not auto`,
    );
  if (mac && mac !== AUTO && mac !== GENERATE && !isMac(mac.toLowerCase())) throw noMac(mac, what);
}

/** @throws MerapiError wrong_input for what is no list of VLANs */
export function checkVlan({ vlan }: NicRequest, what: string): void {
  if (vlan === undefined || vlan === null || isVlan(vlan)) return;
  throw new MerapiError(
    'wrong_input',
    `${what}: '${vlan}' names no VLANs; give the untagged one such as .5, tagged ones such as :6:7, or both`,
  );
}

/** @throws MerapiError wrong_input */
function refuseDecided(request: NicRequest, what: string, names: readonly (typeof decided)[number][]): void {
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

/** An IP address in its one form. @throws MerapiError wrong_input */
function checkedAddress(ip: string, what: string): string {
  const address = isIP(ip) === 4 ? ip : canonical6(ip);
  if (address !== null) return address;
  throw new MerapiError(
    'wrong_input',
    `${what}: '${ip}' is not an IP address; give one such as 192.0.2.7 or 2001:db8::7, without a zone`,
  );
}

/** What NICs are made from: the cluster, and what gives them uuids and addresses. */
export type NicWorld = Pick<CheckContext, 'view' | 'random' | 'resolver'>;

/**
 * The NICs that requests describe: addresses checked, MACs made where none is given. Where `before` has a NIC, the request at
 * the same place changes that one: what it does not name stays, and an empty request gives the NIC as it is. So the NICs of a
 * changed instance are all its NICs with empty requests where nothing changes. connectNics and placeNics come after this.
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
  const taken = new Set<string>();
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
    const mac = macOf({ view, random }, wanted, network, taken, index, old);
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
  refuseDecided(request, `NIC ${index}`, decided);
  return network;
}

/** What a NIC sets itself; in a network it is the node's group that decides. */
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

/** The values that are given at all. */
function given(values: Record<string, string | null | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => !!entry[1]));
}

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

const prefixOf = (view: ClusterView, network: Network | null | undefined): string =>
  network?.mac_prefix ?? view.cluster.mac_prefix;

/** The MAC address of a NIC that asks for none: the one that it has, unless it goes to a network with another prefix. */
function macBefore(view: ClusterView, network: Network | null, old: Nic | undefined): string {
  if (!old) return AUTO;
  const prefix = prefixOf(view, old.network === null ? null : view.networks.get(old.network));
  return prefix === prefixOf(view, network) ? old.mac : AUTO;
}

function macOf(
  { view, random }: Pick<NicWorld, 'view' | 'random'>,
  wanted: string,
  network: Network | null,
  taken: Set<string>,
  index: number,
  old: Nic | undefined,
): string {
  const isFree = (mac: string) =>
    !taken.has(mac) && (mac === old?.mac || (mac !== NOBODY && view.macOwner(mac) === undefined));
  let mac = wanted.toLowerCase();
  if (wanted === AUTO || wanted === GENERATE) {
    do
      mac = `${prefixOf(view, network)}:${random
        .bytes(3)
        .toString('hex')
        .replace(/..(?=.)/g, '$&:')}`;
    while (!isFree(mac));
  } else if (mac !== old?.mac && !isDeviceMac(mac)) throw noMac(wanted, `NIC ${index}`);
  else if (!isFree(mac))
    throw new MerapiError('resource_not_unique', `NIC ${index}: MAC address ${mac} is in use`);
  taken.add(mac);
  return mac;
}
