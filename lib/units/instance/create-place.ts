import type { AllocatorInstance } from '../../allocator/model.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import type { DiskTemplate } from '../../model/diskparams/index.ts';
import { fillBeParams, fillIPolicy } from '../../model/fill.ts';
import { type InstanceSpec, ipolicyViolations } from '../../model/ipolicy.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CheckContext } from '../define.ts';
import type { DiskNodes } from '../steps/disk-work.ts';
import { groupNamed } from '../steps/find.ts';
import { chooseNode, nicNeeds } from '../steps/placement.ts';
import type { CreateParams, Settings } from './create-request.ts';

/** @throws MerapiError wrong_input when the instance breaks the policy of the node's group */
export function checkPolicy(view: ClusterView, node: Node, spec: InstanceSpec, ignore: boolean): void {
  const group = view.groups.get(node.group);
  const problems = ipolicyViolations(fillIPolicy(view.cluster.ipolicy, group?.ipolicy ?? {}), spec);
  if (problems.length > 0 && !ignore)
    throw new MerapiError(
      'wrong_input',
      `The instance breaks the instance policy of group ${group?.name}: ${problems.join('; ')}`,
    );
}

/** In a request this stands for the cluster's default allocator. */
const DEFAULT_ALLOCATOR = '.';

/**
 * Lets the allocator choose the node, of mirrored disks both, and says so in the job's log; `also` are instances that are about
 * to be made. @throws MerapiError
 */
export function place(
  { view, runtime, log }: CheckContext,
  params: CreateParams,
  wanted: { settings: Settings; template: DiskTemplate; disks: readonly Disk[]; nics: readonly Nic[] },
  also: readonly AllocatorInstance[] = [],
): DiskNodes {
  const { default_iallocator } = view.cluster;
  const wished = params.iallocator ?? DEFAULT_ALLOCATOR;
  const allocator = wished === DEFAULT_ALLOCATOR ? default_iallocator : wished;
  if (!allocator)
    throw new MerapiError('wrong_input', 'Give pnode or iallocator: the cluster has no default allocator');
  const be = fillBeParams(view.cluster, wanted.settings.beparams);
  const spindles = wanted.disks.map((disk) => disk.spindles);
  const { nodes, words } = chooseNode(
    view,
    runtime,
    allocator,
    {
      memory: be.maxmem,
      vcpus: be.vcpus,
      disks: wanted.disks.map((disk) => disk.size),
      disk_template: wanted.template,
      spindle_use: be.spindle_use,
      spindles: spindles.includes(null) ? null : spindles.reduce<number>((sum, each) => sum + (each ?? 0), 0),
      ...nicNeeds(view, wanted.nics),
      tags: params.tags,
      required_nodes: wanted.template === 'drbd' ? 2 : 1,
      group: params.group_name === null ? undefined : groupNamed(view, params.group_name).uuid,
      ignore_ipolicy: params.ignore_ipolicy,
    },
    undefined,
    also,
  );
  log(words);
  const [primary, secondary] = nodes;
  return { primary: primary as Node, secondary: secondary ?? null };
}
