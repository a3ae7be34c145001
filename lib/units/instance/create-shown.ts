import type { Json } from '../../base/json.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import { sizedRequest } from '../devices/disks.ts';
import type { CreateParams, Settings } from './create-request.ts';

type Values = Record<string, Json>;

/** Seconds that a helper machine has to start and to end. */
const HELPER_START = 300;
const HELPER_END = 7200;

/**
 * The request as it is done, but for its disks, and with that what its job shows from the start: what is null is not there, and an
 * instance without a system is not started.
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
 * The disks as they are made: sizes are numbers of MiB, rounded up. When one of them cannot be understood, `show` gets what was
 * understood until then.
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

/** A NIC without what is null. A VLAN that is a bare number is an untagged port of it: the form with a dot. */
function shownNic(nic: CreateParams['nics'][number]): CreateParams['nics'][number] {
  const given = Object.fromEntries(Object.entries(nic).filter(([, value]) => value !== null));
  return /^[0-9]+$/.test(nic.vlan ?? '') ? { ...given, vlan: `.${nic.vlan}` } : given;
}

/** What of that the job shows whether the rest can be understood or not. */
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

/** What is filled in once the template is known. */
export function shownTemplate(params: CreateParams, template: DiskTemplate): Values {
  return {
    disk_template: template,
    ...(templates[template].fileBased ? { file_driver: params.file_driver ?? 'loop' } : {}),
    // Only mirrored disks have a second node.
    ...(params.snode !== null && !templates[template].mirrored ? { snode: null } : {}),
  };
}

/** What is filled in with the nodes. */
export function shownNodes({ primary, secondary }: DiskNodes): Values {
  return {
    ...{ pnode: primary.name, pnode_uuid: primary.uuid },
    ...(secondary && { snode: secondary.name, snode_uuid: secondary.uuid }),
  };
}

/** What is filled in with the parameter sets. */
export function shownSettings(params: CreateParams, { hvparams, beparams, osparams }: Settings): Values {
  return {
    hvparams: hvparams as Values,
    beparams,
    osparams: osparams as Values,
    ...(params.osparams_private ? {} : { osparams_private: {} }),
    ...(params.osparams_secret ? {} : { osparams_secret: {} }),
  };
}
