import type { Cluster } from '../../model/cluster.ts';
import type { Disk } from '../../model/disk.ts';
import type { ParamValues } from '../../model/enforce.ts';
import { fillBeParams, fillHvParams, fillNicParams } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import type { DiskTarget, InstanceTarget } from '../../rpc/types.ts';

/** A disk as its node needs it. */
export function diskTarget(disk: Disk): DiskTarget {
  const { uuid, name, dev_type, logical_id, size, mode, params } = disk;
  return { uuid, name, dev_type, logical_id, size, mode, params };
}

/** An instance as its node needs it; `override` are parameters for this time alone. */
export function instanceTarget(
  cluster: Cluster,
  instance: Instance,
  disks: readonly Disk[],
  override: { hvparams?: ParamValues; beparams?: ParamValues } = {},
): InstanceTarget {
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
    nics: instance.nics.map(({ uuid, name, mac, ip, nicparams }) => ({
      uuid,
      name,
      mac,
      ip,
      nicparams: fillNicParams(cluster, { nicparams }),
    })),
  };
}
