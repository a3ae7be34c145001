// What the job shows of a request for a new instance. The check fills defaults and choices into the opcode in several stages; if it
// fails, the job shows those up to then. The stages in order: shownFirst, shownTemplate, shownNodes if the request names nodes,
// shownSettings, shownNodes if the allocator chooses them.

import type { Json } from '../../base/json.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import { sizedRequest } from '../devices/disks.ts';
import type { CreateParams, Settings } from './create-request.ts';

type Values = Record<string, Json>;

/** How long a helper VM may take to start and to shut down, in seconds. */
const HELPER_START = 300;
const HELPER_END = 7200;

/**
 * The request in the form in which it is carried out and shown, except for its disks: null values of NICs are left out, an instance
 * that gets no OS is not started, an import has a path.
 */
export function normalisedRequest(request: CreateParams): CreateParams {
  return {
    ...request,
    nics: request.nics.map(shownNic),
    start: request.start && !request.no_install,
    force_variant: request.force_variant || request.mode === 'import',
    src_path: request.mode === 'import' ? (request.src_path ?? request.instance_name) : request.src_path,
    helper_startup_timeout: request.helper_startup_timeout ?? HELPER_START,
    helper_shutdown_timeout: request.helper_shutdown_timeout ?? HELPER_END,
  };
}

/**
 * The disks with sizes in MiB, rounded up. `show` is always called: if a size is invalid, with the disks before it converted.
 * @throws MerapiError type_enforcement
 */
export function sizedDisks(
  disks: CreateParams['disks'],
  show: (disks: CreateParams['disks']) => void,
): CreateParams['disks'] {
  const sized = [...disks];
  try {
    for (const [index, disk] of disks.entries()) sized[index] = sizedRequest(disk);
  } finally {
    show(sized);
  }
  return sized;
}

/** A NIC without null values. A VLAN that is a bare number means the untagged VLAN, whose form has a dot before the number. */
function shownNic(nic: CreateParams['nics'][number]): CreateParams['nics'][number] {
  const given = Object.fromEntries(Object.entries(nic).filter(([, value]) => value !== null));
  return /^[0-9]+$/.test(nic.vlan ?? '') ? { ...given, vlan: `.${nic.vlan}` } : given;
}

/** The values that the job shows in any case, whatever fails afterwards. */
export function shownFirst(name: string, params: CreateParams): Values {
  const { start, disks, nics, force_variant, src_path, helper_startup_timeout, helper_shutdown_timeout } =
    params;
  return {
    instance_name: name,
    ...{ start, disks, nics, force_variant },
    ...(src_path === null ? {} : { src_path }),
    ...{ helper_startup_timeout, helper_shutdown_timeout },
  };
}

/** The values that are shown once the disk template is known. */
export function shownTemplate(params: CreateParams, template: DiskTemplate): Values {
  return {
    disk_template: template,
    ...(templates[template].fileBased ? { file_driver: params.file_driver ?? 'loop' } : {}),
    // Only mirrored disks have a second node.
    ...(params.snode !== null && !templates[template].mirrored ? { snode: null } : {}),
  };
}

/** The values that are shown once the nodes are known. */
export function shownNodes({ primary, secondary }: DiskNodes): Values {
  return {
    ...{ pnode: primary.name, pnode_uuid: primary.uuid },
    ...(secondary && { snode: secondary.name, snode_uuid: secondary.uuid }),
  };
}

/** The values that are shown once the parameter sets are checked. */
export function shownSettings(params: CreateParams, { hvparams, beparams, osparams }: Settings): Values {
  return {
    hvparams: hvparams as Values,
    beparams,
    osparams: osparams as Values,
    ...(params.osparams_private ? {} : { osparams_private: {} }),
    ...(params.osparams_secret ? {} : { osparams_secret: {} }),
  };
}
