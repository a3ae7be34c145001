// Parameters of instances with their defaults filled in. A listing needs them for thousands of instances, so they are cached per state of
// cluster and instance, and instances with equal parameters share one object.
import type { BeParams } from '../model/beparams.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ParamValues } from '../model/enforce.ts';
import { fillBeParams, fillHvParams, fillNicParams } from '../model/fill.ts';
import { clusterOnlyHvParams } from '../model/hvparams/index.ts';
import type { Instance } from '../model/instance.ts';
import type { Nic, NicParams } from '../model/nic.ts';

/** Backend parameters as queries show them: with `memory`, the old name of maxmem, in addition. */
type ShownBeParams = BeParams & { memory: number };

/** A NIC with all its link parameters. */
export interface ShownNic {
  readonly nic: Nic;
  readonly params: NicParams;
}

/**
 * Caches a function of cluster and instance. Both are immutable, so a result is valid as long as they exist. The results are shared:
 * callers must not modify them.
 */
function cachedPerInstance<T>(compute: (cluster: Cluster, instance: Instance) => T) {
  const results = new WeakMap<Cluster, WeakMap<Instance, T>>();
  return (cluster: Cluster, instance: Instance): T => {
    let ofCluster = results.get(cluster);
    if (!ofCluster) {
      ofCluster = new WeakMap();
      results.set(cluster, ofCluster);
    }
    let value = ofCluster.get(instance);
    if (value === undefined) {
      value = compute(cluster, instance);
      ofCluster.set(instance, value);
    }
    return value;
  };
}

/** All backend parameters of an instance, with the defaults filled in. */
export const shownBeParams: (cluster: Cluster, instance: Instance) => ShownBeParams = cachedPerInstance(
  (cluster, instance) => {
    const filled = fillBeParams(cluster, instance.beparams);
    return { ...filled, memory: filled.maxmem };
  },
);

/** By cluster, then by hypervisor and OS. */
const inherited = new WeakMap<Cluster, Map<string, ParamValues>>();

/** The hypervisor parameters of an instance that sets none: one object for all instances with the same hypervisor and OS. */
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

/** All hypervisor parameters of an instance with the defaults filled in, without those that only the cluster can set. */
export const shownHvParams: (cluster: Cluster, instance: Instance) => ParamValues = cachedPerInstance(
  (cluster, instance) => {
    const base = inheritedHvParams(cluster, instance);
    return Object.keys(instance.hvparams).length === 0 ? base : { ...base, ...instance.hvparams };
  },
);

/** The NICs of an instance, with the defaults of their link parameters filled in. */
export const shownNics: (cluster: Cluster, instance: Instance) => readonly ShownNic[] = cachedPerInstance(
  (cluster, instance) => instance.nics.map((nic) => ({ nic, params: fillNicParams(cluster, nic) })),
);
