// Checks of a request for a new instance that look only at the request and the cluster; no node is asked. Also used for
// OP_INSTANCE_MULTI_ALLOC.

import { MerapiError } from '../../base/errors.ts';
import type { BeParams } from '../../model/beparams.ts';
import type { Disk } from '../../model/disk.ts';
import type { ParamValues } from '../../model/enforce.ts';
import { fillBeParams } from '../../model/fill.ts';
import { checkTakes, nodeNamed } from '../../model/find.ts';
import { ownBeParams, ownHvParams } from '../../model/given-params.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { InstanceSpec } from '../../model/ipolicy.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import { hostName } from '../../model/names.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CommonValues, ValuesOf } from '../../opcodes/define.ts';
import type { instanceCreate } from '../../opcodes/instance/create.ts';
import { checkEnabled } from '../devices/disks.ts';
import { checkTags } from '../tags/tagging.ts';

/** The values of a request. */
export type CreateParams = ValuesOf<typeof instanceCreate> & CommonValues;

/** The parameter sets of a new instance, as far as the request sets them. */
export interface Settings {
  hypervisor: HypervisorName;
  hvparams: ParamValues;
  beparams: Partial<BeParams>;
  osparams: ParamValues;
}

/**
 * Checks that the parameters of a request fit together; returns the normalised name of the instance and its disk template.
 * @throws MerapiError wrong_input, prerequisite
 */
export function checkRequest(
  view: ClusterView,
  params: CreateParams,
): { name: string; template: DiskTemplate } {
  for (const flag of ['forthcoming', 'commit', 'instance_communication'] as const)
    if (params[flag]) throw new MerapiError('wrong_input', `${flag} is not supported; leave it out`);
  const name = hostName(params.instance_name);
  if (params.iallocator !== null && params.pnode !== null)
    throw new MerapiError(
      'wrong_input',
      'Give either pnode or iallocator: with pnode there is nothing to choose',
    );
  const template = params.disk_template ?? (view.cluster.enabled_disk_templates[0] as DiskTemplate);
  checkEnabled(view.cluster, template);
  checkAdoption(params);
  const isNew = params.mode === 'create' && !params.no_install && params.disks.length > 0;
  if (params.os_type === null && isNew && params.start)
    throw new MerapiError('wrong_input', 'Give the OS to install (os_type), or no_install');
  return { name, template };
}

/** Whether the disks adopt existing data, which then is not changed. */
export function adopts(params: CreateParams): boolean {
  return params.disks.some((disk) => disk.adopt !== undefined);
}

/** @throws MerapiError wrong_input when the request mixes adopted and new disks, or names no node */
function checkAdoption(params: CreateParams): void {
  if (!adopts(params)) return;
  if (params.disks.some((disk) => disk.adopt === undefined))
    throw new MerapiError(
      'wrong_input',
      'Either all disks are adopted or none; give adopt for each disk, or for none',
    );
  if (params.pnode === null)
    throw new MerapiError('wrong_input', 'Data is adopted from one node; give it as pnode');
}

/**
 * The nodes that the request names; null if the allocator is to choose them.
 * @throws MerapiError not_found, wrong_state, wrong_input
 */
export function givenNodes(
  view: ClusterView,
  params: CreateParams,
  template: DiskTemplate,
): DiskNodes | null {
  if (params.pnode === null) return null;
  const primary = usableNode(view, params.pnode);
  if (!templates[template].mirrored) return { primary, secondary: null };
  if (params.snode === null)
    throw new MerapiError('wrong_input', `Mirrored disks (${template}) need a second node; give it as snode`);
  const secondary = usableNode(view, params.snode);
  if (secondary.uuid === primary.uuid)
    throw new MerapiError('wrong_input', `The secondary node must be another one than ${primary.name}`);
  return { primary, secondary };
}

/** The node of this name, if it accepts new instances. @throws MerapiError not_found, wrong_state */
function usableNode(view: ClusterView, name: string): Node {
  const node = nodeNamed(view, name);
  checkTakes(node);
  return node;
}

/** The hypervisor of an instance whose request names none. */
export function defaultHypervisor(view: ClusterView): HypervisorName {
  return view.cluster.enabled_hypervisors[0] as HypervisorName;
}

/** The parameter sets of the request in their proper types. @throws MerapiError wrong_state, type_enforcement, wrong_input */
export function settingsOf(view: ClusterView, params: CreateParams, hypervisor: HypervisorName): Settings {
  const enabled = view.cluster.enabled_hypervisors;
  if (!enabled.includes(hypervisor))
    throw new MerapiError(
      'wrong_state',
      `Hypervisor ${hypervisor} is not enabled; enabled are ${enabled.join(', ')}`,
    );
  const settings = {
    hypervisor,
    hvparams: ownHvParams(hypervisor, params.hvparams),
    beparams: ownBeParams(params.beparams),
    osparams: params.osparams,
  };
  return params.identify_defaults ? withoutEqual(view, settings) : settings;
}

/** The settings without the values that equal the cluster's, so that the instance inherits these. */
function withoutEqual(view: ClusterView, settings: Settings): Settings {
  const differing = <T extends object>(own: T, inherited: Record<string, unknown>): T =>
    Object.fromEntries(Object.entries(own).filter(([name, value]) => inherited[name] !== value)) as T;
  return {
    ...settings,
    hvparams: differing(settings.hvparams, view.cluster.hvparams[settings.hypervisor] ?? {}),
    beparams: differing(settings.beparams, view.cluster.beparams),
  };
}

/** The tags of the instance, sorted and without duplicates. @throws MerapiError invalid_tag */
export function tagsOf(params: CreateParams): string[] {
  return checkTags(params.tags).sort();
}

/** What an instance policy looks at, of the new instance. */
export function specOf(
  view: ClusterView,
  settings: Settings,
  template: DiskTemplate,
  disks: readonly Disk[],
  nics: readonly Nic[],
): InstanceSpec {
  const be = fillBeParams(view.cluster, settings.beparams);
  return {
    'memory-size': be.maxmem,
    'disk-size': disks.map((disk) => disk.size),
    'disk-count': disks.length,
    'cpu-count': be.vcpus,
    'nic-count': nics.length,
    'spindle-use': be.spindle_use,
    'disk-template': template,
  };
}
