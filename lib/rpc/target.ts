import type { Disk } from '../model/disk.ts';
import type { ParamValues } from '../model/enforce.ts';
import { fillBeParams, fillHvParams, fillNicParams } from '../model/fill.ts';
import type { Instance } from '../model/instance.ts';
import type { Network } from '../model/network.ts';
import type { ClusterView } from '../model/view.ts';
import type { DiskTarget, InstanceTarget, NicTarget } from './types.ts';

/** The form of a disk in calls on nodes. */
export function diskTarget(disk: Disk): DiskTarget {
  const { uuid, name, dev_type, logical_id, size, mode, params } = disk;
  return { uuid, name, dev_type, logical_id, size, mode, params };
}

/** The form of an instance in calls on nodes, with inherited parameters filled in; `override` are parameters for this call only. */
export function instanceTarget(
  view: Pick<ClusterView, 'cluster' | 'networks'>,
  instance: Instance,
  disks: readonly Disk[],
  override: { hvparams?: ParamValues; beparams?: ParamValues } = {},
): InstanceTarget {
  const { cluster } = view;
  return {
    uuid: instance.uuid,
    name: instance.name,
    os: instance.os,
    hypervisor: instance.hypervisor,
    hvparams: {
      ...fillHvParams(cluster, instance.hypervisor, instance.os, instance.hvparams),
      ...override.hvparams,
    },
    beparams: { ...fillBeParams(cluster, instance.beparams), ...override.beparams },
    disks: disks.map(diskTarget),
    network_port: instance.network_port,
    nics: instance.nics.map(({ uuid, name, mac, ip, network, nicparams }) => ({
      uuid,
      name,
      mac,
      ip,
      nicparams: fillNicParams(cluster, { nicparams }),
      network: networkTarget(network === null ? undefined : view.networks.get(network)),
    })),
  };
}

function networkTarget(object: Network | undefined): NicTarget['network'] {
  if (!object) return null;
  const { name, uuid, network, gateway, network6, gateway6, mac_prefix, tags } = object;
  return { name, uuid, network, gateway, network6, gateway6, mac_prefix, tags };
}
