// Checks of instances against the instance policy (ipolicy) of a node's group: the cluster's policy with what the group overrides.
// A change is refused only for violations that it adds: an instance that violates the policy already can still be changed.

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { fillBeParams, fillIPolicy } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import { type InstanceSpec, ipolicyViolations } from '../../model/ipolicy.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';

/** What an instance policy looks at, of an existing instance with these disks. */
export function specOfInstance(view: ClusterView, instance: Instance, disks: readonly Disk[]): InstanceSpec {
  const be = fillBeParams(view.cluster, instance.beparams);
  return {
    'memory-size': be.maxmem,
    'disk-size': disks.map((disk) => disk.size),
    'disk-count': disks.length,
    'cpu-count': be.vcpus,
    'nic-count': instance.nics.length,
    'spindle-use': be.spindle_use,
    'disk-template': disks[0]?.dev_type ?? instance.disk_template,
  };
}

/**
 * Checks new disks of an instance against the policy of a node's group; only violations that the instance does not have now count.
 * @throws MerapiError wrong_input
 */
export function checkDiskPolicy(
  view: ClusterView,
  node: Node,
  instance: Instance,
  disks: readonly Disk[],
): void {
  const group = view.groups.get(node.group);
  const policy = fillIPolicy(view.cluster.ipolicy, group?.ipolicy ?? {});
  const before = ipolicyViolations(policy, specOfInstance(view, instance, view.disksOf(instance)));
  const after = ipolicyViolations(policy, specOfInstance(view, instance, disks));
  const added = after.filter((problem) => !before.includes(problem));
  if (added.length > 0)
    throw new MerapiError(
      'wrong_input',
      `The instance would violate the instance policy of group ${group?.name}: ${added.join('; ')}`,
    );
}

/**
 * Checks an instance against the policy of a node's group. With `log` violations are logged instead of thrown.
 * @throws MerapiError wrong_input
 */
export function checkInstancePolicy(
  view: ClusterView,
  node: Node,
  instance: Instance,
  log?: (text: string) => void,
): void {
  const group = view.groups.get(node.group);
  const policy = fillIPolicy(view.cluster.ipolicy, group?.ipolicy ?? {});
  const problems = ipolicyViolations(policy, specOfInstance(view, instance, view.disksOf(instance)));
  if (problems.length === 0) return;
  const text = `The instance violates the instance policy of group ${group?.name}: ${problems.join('; ')}`;
  if (!log) throw new MerapiError('wrong_input', text);
  log(text);
}

/**
 * Checks a changed instance against the policy of its node's group; only violations that it does not have now count.
 * @throws MerapiError wrong_input
 */
export function checkChangedPolicy(view: ClusterView, before: Instance, after: Instance): void {
  const group = view.groups.get(view.nodes.get(before.primary_node)?.group ?? '');
  const policy = fillIPolicy(view.cluster.ipolicy, group?.ipolicy ?? {});
  const problems = (instance: Instance) =>
    ipolicyViolations(policy, specOfInstance(view, instance, view.disksOf(instance)));
  const old = problems(before);
  const added = problems(after).filter((problem) => !old.includes(problem));
  if (added.length > 0)
    throw new MerapiError(
      'wrong_input',
      `The instance would violate the instance policy of group ${group?.name}: ${added.join('; ')}`,
    );
}
