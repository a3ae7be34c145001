// Where a new instance is placed: the question for the allocator, and the instance policy of a node that the request names.

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

/** @throws MerapiError wrong_input when the instance violates the policy of the node's group, unless `ignore` */
export function checkPolicy(view: ClusterView, node: Node, spec: InstanceSpec, ignore: boolean): void {
  const group = view.groups.get(node.group);
  const problems = ipolicyViolations(fillIPolicy(view.cluster.ipolicy, group?.ipolicy ?? {}), spec);
  if (problems.length > 0 && !ignore)
    throw new MerapiError(
      'wrong_input',
      `The instance violates the instance policy of group ${group?.name}: ${problems.join('; ')}`,
    );
}

/** What of a request decides where the instance can be placed. */
interface Wanted {
  name: string;
  settings: Settings;
  template: DiskTemplate;
  disks: readonly Disk[];
  nics: readonly Nic[];
}

/** Lets the allocator choose the node, or for mirrored disks both nodes; logs the choice. @throws MerapiError as placeNew() */
export function chooseNodes(context: CheckContext, params: CreateParams, wanted: Wanted): Promise<DiskNodes> {
  const allocator = allocatorOf(context.view, params.iallocator, 'pnode');
  context.resolve({ iallocator: allocator });
  return placeNew(context, allocator, allocationRequest(context.view, params, wanted));
}

/** A new instance in the form in which an allocator is asked about it. @throws MerapiError not_found when there is no such node group */
export function allocationRequest(view: ClusterView, params: CreateParams, wanted: Wanted): NewInstance {
  const { name, settings, template, disks, nics } = wanted;
  const instance = {
    beparams: settings.beparams,
    disk_template: template,
    nics: [...nics],
    tags: params.tags,
  };
  const groups = params.group_name === null ? [] : [groupNamed(view, params.group_name).uuid];
  const request: AllocateRequest = {
    ...needsOf(view, instance, disks),
    required_nodes: nodeCount(template),
    ...(groups.length > 0 ? { groups } : {}),
    ignore_ipolicy: params.ignore_ipolicy,
  };
  return { name, os: params.os_type ?? '', hypervisor: settings.hypervisor, nics, request };
}
