// Connects the NICs of real guests to the host's network: a tap device for each NIC, attached to a Linux bridge (mode bridged), an
// Open vSwitch bridge (openvswitch), or nothing (routed). Every tap device is recorded on disk before it is created and until it is
// removed, so that none is left behind by a crash.
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { errorText, MerapiError } from '../../base/errors.ts';
import { type ExecResult, run } from '../../base/exec.ts';
import { readStateFile, type StateFormat, writeStateFile } from '../../base/state-file.ts';
import type { InstanceTarget, NicTarget } from '../../rpc/types.ts';
import type { GuestNetwork } from '../hypervisors/define.ts';

/** The record of a tap device; `nic` is the uuid of its NIC, which records of older releases lack. */
const Tap = z.object({ name: z.string(), openvswitch: z.boolean(), nic: z.string().optional() });
type Tap = z.infer<typeof Tap>;

/** The tap devices of one guest, the contents of FOLDER/INSTANCE_UUID.json. The first version of the format was a bare list. */
const Taps = z.union([z.strictObject({ taps: z.array(Tap) }), z.array(Tap).transform((taps) => ({ taps }))]);
const format: StateFormat<z.infer<typeof Taps>> = {
  what: 'the tap devices of a guest',
  remedy:
    "its devices are not touched: run the Merapi release that wrote the file, or remove the guest's tap devices (ip link delete) and the file",
  version: 2,
  schema: Taps,
};

/** The fields that are used of the output of `ip -json -details link`. */
const Link = z.object({
  ifname: z.string(),
  mtu: z.number(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

/**
 * The network of this host, which the programs `ip` and, for mode openvswitch, `ovs-vsctl` change. A NIC of mode routed gets a tap device
 * that is attached to nothing: the administrator sets up its routes.
 * @param options.folder where the tap devices are recorded
 * @param options.netns the network namespace to work in; by default that of this process
 */
export function createGuestNetwork(options: { folder: string; netns?: string }): GuestNetwork {
  return new HostNetwork(options.folder, options.netns);
}

class HostNetwork implements GuestNetwork {
  readonly #folder: string;
  readonly #netns: string | undefined;

  constructor(folder: string, netns: string | undefined) {
    this.#folder = folder;
    this.#netns = netns;
  }

  /** See GuestNetwork; both Linux bridges and Open vSwitch bridges count. */
  async missingBridges(bridges: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (const bridge of bridges) {
      const link = await this.#link(bridge);
      if (link?.linkinfo?.info_kind === 'bridge') continue;
      if (!(await this.#isSwitch(bridge))) missing.push(bridge);
    }
    return missing;
  }

  async plug(instance: InstanceTarget, nicIndex: number): Promise<string> {
    const nic = instance.nics[nicIndex];
    if (!nic) throw new MerapiError('internal_error', `Instance ${instance.name} has no NIC ${nicIndex}`);
    const { mode, link } = nic.nicparams;
    const mtu = mode === 'routed' ? null : await this.#bridgeMtu(mode, link);
    const vlan = vlanColumns(nic);
    const openvswitch = mode === 'openvswitch';
    const tap: Tap = { name: tapName(instance.uuid, nic.uuid), openvswitch, nic: nic.uuid };
    await this.#record(instance.uuid, tap);
    if (!(await this.#link(tap.name))) await this.#ip(['tuntap', 'add', 'dev', tap.name, 'mode', 'tap']);
    // A Linux bridge takes the lowest MAC address of its ports as its own. With fe in front, the tap's is never the lowest.
    const settings = ['address', `fe${nic.mac.slice(2)}`];
    if (mtu !== null) settings.push('mtu', String(mtu));
    await this.#ip(['link', 'set', 'dev', tap.name, ...settings]);
    if (mode === 'bridged') await this.#ip(['link', 'set', 'dev', tap.name, 'master', link]);
    if (tap.openvswitch) await this.#ovs(['--may-exist', 'add-port', link, tap.name, ...vlan]);
    await this.#ip(['link', 'set', 'dev', tap.name, 'up']);
    return tap.name;
  }

  async unplug(instanceUuid: string, nicUuid?: string): Promise<void> {
    const known = await this.#recorded(instanceUuid);
    const isRemoved = (tap: Tap) => nicUuid === undefined || tap.nic === nicUuid;
    for (const tap of known.filter(isRemoved)) {
      if (tap.openvswitch) await this.#ovs(['--if-exists', 'del-port', tap.name]);
      if (await this.#link(tap.name)) await this.#ip(['link', 'delete', 'dev', tap.name]);
    }
    const rest = known.filter((tap) => !isRemoved(tap));
    if (rest.length > 0) await writeStateFile(this.#file(instanceUuid), format, { taps: rest });
    else await rm(this.#file(instanceUuid), { force: true });
  }

  /** The MTU of a bridge, which its tap devices must have too. @throws MerapiError environment_error when the host has no such bridge */
  async #bridgeMtu(mode: string, bridge: string): Promise<number> {
    if (mode !== 'bridged' && mode !== 'openvswitch')
      throw new MerapiError('environment_error', `NICs of mode ${mode} cannot be attached on this node`);
    const link = await this.#link(bridge);
    const isBridge =
      mode === 'bridged' ? link?.linkinfo?.info_kind === 'bridge' : await this.#isSwitch(bridge);
    if (link && isBridge) return link.mtu;
    const remedy =
      mode === 'bridged'
        ? `ip link add ${bridge} type bridge && ip link set ${bridge} up`
        : `ovs-vsctl add-br ${bridge}`;
    throw new MerapiError(
      'environment_error',
      `This node has no bridge ${bridge} for a NIC of mode ${mode}; create it there (${remedy}) or change the NIC's link`,
    );
  }

  /** A network device of the host, or null when there is none of this name. */
  async #link(name: string): Promise<z.infer<typeof Link> | null> {
    const result = await this.#run('ip', ['-json', '-details', 'link', 'show', 'dev', name]);
    if (result.code !== 0) {
      if (/does not exist|Cannot find device/.test(result.stderr)) return null;
      throw failed('ip link show', result);
    }
    return z.array(Link).parse(JSON.parse(result.stdout))[0] ?? null;
  }

  /** Whether Open vSwitch runs here and has a bridge of that name. */
  async #isSwitch(bridge: string): Promise<boolean> {
    try {
      return (await this.#run('ovs-vsctl', ['--timeout=5', 'br-exists', bridge])).code === 0;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async #ip(args: readonly string[]): Promise<void> {
    const result = await this.#run('ip', args);
    if (result.code !== 0) throw failed(`ip ${args.join(' ')}`, result);
  }

  async #ovs(args: readonly string[]): Promise<void> {
    const result = await this.#run('ovs-vsctl', ['--timeout=20', ...args]);
    if (result.code !== 0) throw failed(`ovs-vsctl ${args.join(' ')}`, result);
  }

  /** Runs a program in the network namespace. ovs-vsctl talks to a daemon and needs none. */
  async #run(program: 'ip' | 'ovs-vsctl', args: readonly string[]): Promise<ExecResult> {
    const inside = program === 'ip' && this.#netns !== undefined ? ['-netns', this.#netns] : [];
    try {
      return await run(program, [...inside, ...args], { env: { ...process.env, LC_ALL: 'C' } });
    } catch (error) {
      if (program !== 'ip' || !isMissing(error)) throw error;
      throw new MerapiError(
        'environment_error',
        'The program ip is missing on this node; install the package iproute2',
        { cause: error },
      );
    }
  }

  #file(instanceUuid: string): string {
    return join(this.#folder, `${instanceUuid}.json`);
  }

  async #recorded(instanceUuid: string): Promise<Tap[]> {
    return (await readStateFile(this.#file(instanceUuid), format))?.taps ?? [];
  }

  async #record(instanceUuid: string, tap: Tap): Promise<void> {
    const known = await this.#recorded(instanceUuid);
    if (known.some(({ name, openvswitch }) => name === tap.name && openvswitch === tap.openvswitch)) return;
    const others = known.filter(({ name }) => name !== tap.name);
    await writeStateFile(this.#file(instanceUuid), format, { taps: [...others, tap] });
  }
}

/** The name of a NIC's tap device. It depends only on the two uuids, so a repeated plug() finds it; the kernel allows 15 characters. */
function tapName(instanceUuid: string, nicUuid: string): string {
  return `mt${createHash('sha256').update(`${instanceUuid}/${nicUuid}`).digest('hex').slice(0, 12)}`;
}

/**
 * The columns of an Open vSwitch port for a NIC's vlan, in Ganeti's notation: `.10` (or `10`) is VLAN 10 untagged, `:10:20` are the
 * VLANs 10 and 20 tagged (trunks), `.10:20` is VLAN 10 untagged and VLAN 20 tagged.
 * @throws MerapiError environment_error when the mode has no VLANs or the notation is malformed
 */
function vlanColumns(nic: NicTarget): string[] {
  const { mode, vlan } = nic.nicparams;
  if (vlan === '') return [];
  if (mode !== 'openvswitch')
    throw new MerapiError(
      'environment_error',
      `A NIC of mode ${mode} cannot have the VLAN ${vlan}; mode openvswitch can`,
    );
  const match = /^(?:\.?(\d+))?((?::\d+)*)$/.exec(vlan);
  if (!match)
    throw new MerapiError(
      'environment_error',
      `The VLAN ${vlan} is malformed; use the form .10, :10:20 or .10:20`,
    );
  const [, tag, trunks] = match;
  const columns = tag === undefined ? [] : [`tag=${tag}`];
  if (trunks) columns.push(`trunks=${trunks.slice(1).replaceAll(':', ',')}`);
  if (tag !== undefined && trunks) columns.push('vlan_mode=native-untagged');
  return columns;
}

function failed(what: string, result: ExecResult): MerapiError {
  return new MerapiError(
    'environment_error',
    `${what} failed: ${result.stderr.trim() || `exit code ${result.code}`}`,
  );
}

/** Whether a program could not be run because it is not installed. */
function isMissing(error: unknown): boolean {
  return error instanceof MerapiError && /ENOENT/.test(errorText(error));
}
