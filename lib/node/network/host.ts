import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { errorText, MerapiError } from '../../base/errors.ts';
import { type ExecResult, run } from '../../base/exec.ts';
import { readStateFile, type StateFormat, writeStateFile } from '../../base/state-file.ts';
import type { InstanceTarget, NicTarget } from '../../rpc/types.ts';
import type { GuestNetwork } from '../hypervisors/define.ts';

/** A tap device as it is kept on disk from before it is made until after it is removed. */
const Tap = z.object({ name: z.string(), openvswitch: z.boolean(), nic: z.string().optional() });
type Tap = z.infer<typeof Tap>;

/** Those of one guest; the first version of the format was the bare list. */
const Taps = z.union([z.strictObject({ taps: z.array(Tap) }), z.array(Tap).transform((taps) => ({ taps }))]);
const format: StateFormat<z.infer<typeof Taps>> = {
  what: 'the tap devices of a guest',
  remedy:
    "its devices are left alone: start the Merapi that wrote it, or remove the guest's tap devices (ip link delete) and the file",
  version: 2,
  schema: Taps,
};

/** What `ip -json link` tells of a device. */
const Link = z.object({
  ifname: z.string(),
  mtu: z.number(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

/**
 * The network of this host, worked with `ip` (and `ovs-vsctl` for mode openvswitch). A NIC of mode routed gets a tap that is
 * plugged nowhere: its routes are the administrator's.
 * @param options.folder where the tap devices are remembered
 * @param options.netns the network namespace to work in; by default the one of this process
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
    await this.#remember(instance.uuid, tap);
    if (!(await this.#link(tap.name))) await this.#ip(['tuntap', 'add', 'dev', tap.name, 'mode', 'tap']);
    // An address that begins with fe keeps the bridge from taking it over as its own, the lowest among its ports.
    const settings = ['address', `fe${nic.mac.slice(2)}`];
    if (mtu !== null) settings.push('mtu', String(mtu));
    await this.#ip(['link', 'set', 'dev', tap.name, ...settings]);
    if (mode === 'bridged') await this.#ip(['link', 'set', 'dev', tap.name, 'master', link]);
    if (tap.openvswitch) await this.#ovs(['--may-exist', 'add-port', link, tap.name, ...vlan]);
    await this.#ip(['link', 'set', 'dev', tap.name, 'up']);
    return tap.name;
  }

  async unplug(instanceUuid: string, nicUuid?: string): Promise<void> {
    const known = await this.#remembered(instanceUuid);
    const goes = (tap: Tap) => nicUuid === undefined || tap.nic === nicUuid;
    for (const tap of known.filter(goes)) {
      if (tap.openvswitch) await this.#ovs(['--if-exists', 'del-port', tap.name]);
      if (await this.#link(tap.name)) await this.#ip(['link', 'delete', 'dev', tap.name]);
    }
    const rest = known.filter((tap) => !goes(tap));
    if (rest.length > 0) await writeStateFile(this.#file(instanceUuid), format, { taps: rest });
    else await rm(this.#file(instanceUuid), { force: true });
  }

  /** @throws MerapiError environment_error when the host has no such bridge */
  async #bridgeMtu(mode: string, bridge: string): Promise<number> {
    if (mode !== 'bridged' && mode !== 'openvswitch')
      throw new MerapiError('environment_error', `NICs of mode ${mode} cannot be attached on this node`);
    const link = await this.#link(bridge);
    const there = mode === 'bridged' ? link?.linkinfo?.info_kind === 'bridge' : await this.#isSwitch(bridge);
    if (link && there) return link.mtu;
    const remedy =
      mode === 'bridged'
        ? `ip link add ${bridge} type bridge && ip link set ${bridge} up`
        : `ovs-vsctl add-br ${bridge}`;
    throw new MerapiError(
      'environment_error',
      `This node has no bridge ${bridge} for a NIC of mode ${mode}; make it there (${remedy}) or change the NIC's link`,
    );
  }

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

  async #remembered(instanceUuid: string): Promise<Tap[]> {
    return (await readStateFile(this.#file(instanceUuid), format))?.taps ?? [];
  }

  async #remember(instanceUuid: string, tap: Tap): Promise<void> {
    const known = await this.#remembered(instanceUuid);
    if (known.some(({ name, openvswitch }) => name === tap.name && openvswitch === tap.openvswitch)) return;
    const others = known.filter(({ name }) => name !== tap.name);
    await writeStateFile(this.#file(instanceUuid), format, { taps: [...others, tap] });
  }
}

/** The name of a NIC's tap device: it depends on nothing but the two uuids. At most 15 letters. */
function tapName(instanceUuid: string, nicUuid: string): string {
  return `mt${createHash('sha256').update(`${instanceUuid}/${nicUuid}`).digest('hex').slice(0, 12)}`;
}

/**
 * The settings of an Open vSwitch port for a NIC's vlan: `.10` (or `10`) is untagged traffic of VLAN 10, `:10:20` are the
 * tagged VLANs 10 and 20, `.10:20` both.
 * @throws MerapiError environment_error
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
      `The VLAN ${vlan} is not understood; .10, :10:20 and .10:20 are`,
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

function isMissing(error: unknown): boolean {
  return error instanceof MerapiError && /ENOENT/.test(errorText(error));
}
