import type { AllocateRequest } from '../../allocator/model.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { fillIPolicy } from '../../model/fill.ts';
import { groupNamed } from '../../model/find.ts';
import { type InstanceSpec, ipolicyViolations } from '../../model/ipolicy.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import { type DiskTemplate, nodeCount } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { needsOf } from '../../placement/allocator-cluster.ts';
import { allocatorOf } from '../../placement/iallocator.ts';
import type { NewInstance } from '../../placement/iallocator-input.ts';
import { placeNew } from '../../placement/placement.ts';
import type { CheckContext } from '../define.ts';
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

/** What of a request its place depends on. */
interface Wanted {
  name: string;
  settings: Settings;
  template: DiskTemplate;
  disks: readonly Disk[];
  nics: readonly Nic[];
}

/** Lets the allocator choose the node, of mirrored disks both, and says so in the job's log. @throws MerapiError */
export function place(context: CheckContext, params: CreateParams, wanted: Wanted): Promise<DiskNodes> {
  const allocator = allocatorOf(context.view, params.iallocator, 'pnode');
  context.resolve({ iallocator: allocator });
  return placeNew(context, allocator, allocationRequest(context.view, params, wanted));
}

/** A request as an allocator is asked about it. @throws MerapiError not_found when there is no such group */
export function allocationRequest(view: ClusterView, params: CreateParams, wanted: Wanted): NewInstance {
  const { name, settings, template, disks, nics } = wanted;
  const instance = {
    beparams: settings.beparams,
    disk_template: template,
    nics: [...nics],
    tags: params.tags,
  };
  const group = params.group_name === null ? [] : [groupNamed(view, params.group_name).uuid];
  const request: AllocateRequest = {
    ...needsOf(view, instance, disks),
    required_nodes: nodeCount(template),
    ...(group.length > 0 ? { groups: group } : {}),
    ignore_ipolicy: params.ignore_ipolicy,
  };
  return { name, os: params.os_type ?? '', hypervisor: settings.hypervisor, nics, request };
}
