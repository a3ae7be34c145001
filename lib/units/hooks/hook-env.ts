// Environment variables of hook scripts. Names and forms are Ganeti's; lib/jobs/hooks.ts adds the prefix GANETI_ and makes texts of
// the values. Secrets must not be among them: hooks get no private OS parameters and no secret of a mirror.

import type { Disk } from '../../model/disk.ts';
import { fillBeParams, fillHvParams, fillNicParams } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import { secondaryOf } from '../../model/mirror.ts';
import type { Network } from '../../model/network.ts';
import type { Nic } from '../../model/nic.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';

/** Environment variables by their names without GANETI_. */
export type HookEnv = Readonly<Record<string, unknown>>;

type View = Pick<ClusterView, 'cluster' | 'nodes' | 'networks' | 'disk'>;

/**
 * The variables of an instance. `secondary` (uuid) is given by the caller, since an instance that is being created has no disks yet
 * from which it could be read.
 */
export function instanceEnv(
  view: View,
  instance: Instance,
  disks: readonly Disk[],
  secondary: string | null,
): HookEnv {
  const { cluster } = view;
  const be = fillBeParams(cluster, instance.beparams);
  const hv = fillHvParams(cluster, instance.hypervisor, instance.os, instance.hvparams);
  const nameOf = (uuid: string | null) => (uuid === null ? null : view.nodes.get(uuid)?.name);
  return {
    INSTANCE_NAME: instance.name,
    INSTANCE_PRIMARY: nameOf(instance.primary_node),
    INSTANCE_SECONDARIES: nameOf(secondary),
    INSTANCE_OS_TYPE: instance.os,
    INSTANCE_STATUS: instance.admin_state,
    INSTANCE_HYPERVISOR: instance.hypervisor,
    INSTANCE_DISK_TEMPLATE: instance.disk_template,
    INSTANCE_MINMEM: be.minmem,
    INSTANCE_MAXMEM: be.maxmem,
    INSTANCE_MEMORY: be.maxmem,
    INSTANCE_VCPUS: be.vcpus,
    INSTANCE_TAGS: instance.tags,
    INSTANCE_DISK_COUNT: disks.length,
    ...numbered('INSTANCE_DISK', disks.map(diskEnv)),
    INSTANCE_NIC_COUNT: instance.nics.length,
    ...numbered(
      'INSTANCE_NIC',
      instance.nics.map((nic) => nicEnv(view, nic)),
    ),
    ...prefixed('INSTANCE_BE_', be),
    ...prefixed('INSTANCE_HV_', hv),
  };
}

/** The variables of an instance that is in the cluster. */
export function knownInstanceEnv(view: ClusterView, instance: Instance): HookEnv {
  return instanceEnv(view, instance, view.disksOf(instance), secondaryOf(view, instance));
}

function diskEnv(disk: Disk): HookEnv {
  const { size, mode, name, uuid, dev_type } = disk;
  return { SIZE: size, MODE: mode, NAME: name, UUID: uuid, DEV_TYPE: dev_type, ...locationEnv(disk) };
}

/** The first two parts of a disk's logical id, under the names that its template gives them. Never the secret of a mirror. */
function locationEnv({ dev_type, logical_id: [first, second] }: Disk): HookEnv {
  const names = templates[dev_type].hookNames;
  return names ? { [names[0]]: first, [names[1]]: second } : {};
}

function nicEnv({ cluster, networks }: View, nic: Nic): HookEnv {
  const { mode, link, vlan } = fillNicParams(cluster, nic);
  const network = nic.network === null ? undefined : networks.get(nic.network);
  return {
    NAME: nic.name,
    UUID: nic.uuid,
    IP: nic.ip,
    MAC: nic.mac,
    MODE: mode,
    LINK: link,
    VLAN: vlan,
    ...(mode === 'bridged' ? { BRIDGE: link } : {}),
    ...(network ? { NETWORK: network.name, ...networkEnv(network) } : {}),
  };
}

/** The variables of a network. */
export function networkEnv(network: Network): HookEnv {
  return {
    NETWORK_NAME: network.name,
    NETWORK_UUID: network.uuid,
    NETWORK_SUBNET: network.network,
    NETWORK_GATEWAY: network.gateway,
    NETWORK_SUBNET6: network.network6,
    NETWORK_GATEWAY6: network.gateway6,
    NETWORK_MAC_PREFIX: network.mac_prefix,
    NETWORK_TAGS: network.tags,
  };
}

/** The variables of several items as PREFIX0_NAME, PREFIX1_NAME and so on. */
function numbered(prefix: string, items: readonly HookEnv[]): HookEnv {
  return Object.assign({}, ...items.map((item, index) => prefixed(`${prefix}${index}_`, item)));
}

function prefixed(prefix: string, values: object): HookEnv {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}
