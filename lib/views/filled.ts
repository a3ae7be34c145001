import type { BeParams } from '../model/beparams.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ParamValues } from '../model/enforce.ts';
import { fillBeParams, fillHvParams, fillNicParams } from '../model/fill.ts';
import { clusterOnlyHvParams } from '../model/hvparams/index.ts';
import type { Instance } from '../model/instance.ts';
import type { Nic, NicParams } from '../model/nic.ts';

/** Backend parameters as they are shown: with the old name of maxmem beside them. */
type ShownBeParams = BeParams & { memory: number };

/** A NIC with all its link parameters. */
export interface ShownNic {
  readonly nic: Nic;
  readonly params: NicParams;
}

/** Computes once for each pair of objects; both are immutable. The results are shared: nobody may change them. */
function perInstance<T>(make: (cluster: Cluster, instance: Instance) => T) {
  const known = new WeakMap<Cluster, WeakMap<Instance, T>>();
  return (cluster: Cluster, instance: Instance): T => {
    let ofCluster = known.get(cluster);
    if (!ofCluster) {
      ofCluster = new WeakMap();
      known.set(cluster, ofCluster);
    }
    let value = ofCluster.get(instance);
    if (value === undefined) {
      value = make(cluster, instance);
      ofCluster.set(instance, value);
    }
    return value;
  };
}

/** All backend parameters of an instance. */
export const shownBeParams: (cluster: Cluster, instance: Instance) => ShownBeParams = perInstance(
  (cluster, instance) => {
    const filled = fillBeParams(cluster, instance.beparams);
    return { ...filled, memory: filled.maxmem };
  },
);

const inherited = new WeakMap<Cluster, Map<string, ParamValues>>();

/** What an instance without own hypervisor parameters has: the same object for all with this hypervisor and OS. */
function inheritedHvParams(cluster: Cluster, { hypervisor, os }: Instance): ParamValues {
  let sets = inherited.get(cluster);
  if (!sets) {
    sets = new Map();
    inherited.set(cluster, sets);
  }
  const key = `${hypervisor}/${os}`;
  let values = sets.get(key);
  if (!values) {
    values = { ...fillHvParams(cluster, hypervisor, os, {}) };
    for (const name of clusterOnlyHvParams) delete values[name];
    sets.set(key, values);
  }
  return values;
}

/** All hypervisor parameters of an instance, without those that belong to the cluster alone. */
export const shownHvParams: (cluster: Cluster, instance: Instance) => ParamValues = perInstance(
  (cluster, instance) => {
    const base = inheritedHvParams(cluster, instance);
    return Object.keys(instance.hvparams).length === 0 ? base : { ...base, ...instance.hvparams };
  },
);

/** The NICs of an instance with all their link parameters. */
export const shownNics: (cluster: Cluster, instance: Instance) => readonly ShownNic[] = perInstance(
  (cluster, instance) => instance.nics.map((nic) => ({ nic, params: fillNicParams(cluster, nic) })),
);
