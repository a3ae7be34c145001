// Fills parameter sets with inherited values. Objects store only what they set themselves; these functions return the complete set.
import type { BeParams } from './beparams.ts';
import type { Cluster } from './cluster.ts';
import type { ParamValues } from './enforce.ts';
import type { HypervisorName } from './hvparams/index.ts';
import type { Instance } from './instance.ts';
import type { IPolicy, PartialIPolicy } from './ipolicy.ts';
import type { Nic, NicParams } from './nic.ts';
import type { NodeGroup } from './nodegroup.ts';

/** Hypervisor parameters for an OS and an instance's own values: cluster, then OS, then instance. */
export function fillHvParams(
  cluster: Cluster,
  hypervisor: HypervisorName,
  os: string,
  own: ParamValues,
): ParamValues {
  return { ...cluster.hvparams[hypervisor], ...cluster.os_hvp[os]?.[hypervisor], ...own };
}

/** All hypervisor parameters of an instance. */
export function instanceHvParams(cluster: Cluster, instance: Instance): ParamValues {
  return fillHvParams(cluster, instance.hypervisor, instance.os, instance.hvparams);
}

/** All backend parameters: the cluster's, then the instance's own. */
export function fillBeParams(cluster: Cluster, own: Partial<BeParams>): BeParams {
  return { ...cluster.beparams, ...own };
}

/** All link parameters of a NIC. */
export function fillNicParams(cluster: Cluster, nic: Pick<Nic, 'nicparams'>): NicParams {
  return { ...cluster.nicparams, ...nic.nicparams };
}

/** All node parameters: cluster, then group, then node. */
export function fillNdParams(
  cluster: Cluster,
  group: NodeGroup | undefined,
  own: ParamValues = {},
): ParamValues {
  return { ...cluster.ndparams, ...group?.ndparams, ...own };
}

/** OS parameters: those of the OS, then of its variant, then the instance's own. */
export function fillOsParams(cluster: Cluster, os: string, own: ParamValues): ParamValues {
  const base = os.split('+', 1)[0] as string;
  return { ...cluster.osparams[base], ...(os === base ? {} : cluster.osparams[os]), ...own };
}

/** The complete instance policy of a group: its own parts replace those of the cluster. */
export function fillIPolicy(cluster: IPolicy, group: PartialIPolicy): IPolicy {
  return { ...cluster, ...group };
}
