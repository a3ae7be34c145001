// An export's config.ini as a request for a new instance: what the request leaves open comes from there, as in Ganeti. The file comes
// from a node and may be written by Ganeti, so all its values are texts that are checked and converted here.

import { MerapiError } from '../../base/errors.ts';
import type { Ini } from '../../base/ini.ts';
import { beParamKinds } from '../../model/beparams.ts';
import { enforceKinds, type ParamKinds, type ParamValues, steppedSize } from '../../model/enforce.ts';
import {
  clusterOnlyHvParams,
  type HypervisorName,
  hypervisorParams,
  hypervisors,
} from '../../model/hvparams/index.ts';
import { hostName } from '../../model/names.ts';
import { type DiskTemplate, diskTemplates } from '../../model/templates/index.ts';
import { dumpOf, EXPORT_VERSION } from '../backup/export-config.ts';
import type { CreateParams } from './create-request.ts';

type Values = Record<string, string>;
type Given = CreateParams;

/** What Ganeti writes for a value that the exported instance did not have. */
const NONE = 'None';

/**
 * The request with what it leaves open filled in from an export's config.ini.
 * @throws MerapiError environment_error for another version of the format, wrong_input when the request has fewer disks than the
 * export, type_enforcement for a value of the wrong type
 */
export function filledRequest(config: Ini, given: Given): Given {
  const { export: head = {}, instance = {} } = config;
  if (head.version !== EXPORT_VERSION)
    throw new MerapiError(
      'environment_error',
      `The export has the version ${head.version ?? 'none'}; only version ${EXPORT_VERSION} can be imported`,
    );
  const hypervisor = given.hypervisor ?? known(hypervisors, instance.hypervisor);
  const disks = given.disks.length > 0 ? given.disks : disksOf(instance);
  const files = Number(instance.disk_count ?? 0);
  if (disks.length < files)
    throw new MerapiError('wrong_input', `The export has ${files} disks; ${disks.length} are not enough`);
  return {
    ...given,
    hypervisor,
    disks,
    disk_template:
      given.disk_template ?? (known(diskTemplates, instance.disk_template) as DiskTemplate | null),
    os_type: given.os_type ?? (head.os || null),
    nics: given.nics.length > 0 ? nicsGiven(instance, given) : nicsOf(instance),
    tags: given.tags.length > 0 ? given.tags : (instance.tags ?? '').split(/\s+/).filter((tag) => tag !== ''),
    hvparams: { ...hvParamsOf(config.hypervisor ?? {}, hypervisor), ...given.hvparams },
    beparams: { ...beParamsOf(config, given), ...given.beparams },
    osparams: { ...config.os, ...given.osparams },
  };
}

/** The file of each disk of an export; null for a disk without one. */
export function exportedFiles({ instance = {} }: Ini): (string | null)[] {
  const count = Number(instance.disk_count ?? 0);
  return Array.from({ length: count }, (_, index) => {
    const file = instance[`disk${index}_dump`];
    return file === undefined || file === NONE ? null : file;
  });
}

/**
 * Checks that the files of an export exist and have the sizes with which they were written, where the export says these. `sizes` are
 * the bytes of the files in the folder, by name. @throws MerapiError environment_error with the name of the file
 */
export function checkDumps(path: string, config: Ini, sizes: Readonly<Record<string, number>>): void {
  for (const [disk, file] of exportedFiles(config).entries()) {
    if (file === null) continue;
    const refuse = (what: string) =>
      new MerapiError(
        'environment_error',
        `The file ${path}/${file} of disk ${disk} ${what}; export the instance again`,
      );
    const size = Object.hasOwn(sizes, file) ? sizes[file] : undefined;
    if (size === undefined) throw refuse('is missing');
    const { bytes = size } = dumpOf(config, disk) ?? {};
    if (size !== bytes) throw refuse(`is incomplete: it has ${size} bytes, and ${bytes} were exported`);
  }
}

/** The name if it is one of these; null otherwise. */
function known<T extends string>(names: readonly T[], given: string | undefined): T | null {
  return names.find((name) => name === given) ?? null;
}

function disksOf(instance: Values): Given['disks'] {
  const disks: Given['disks'] = [];
  for (let index = 0; instance[`disk${index}_size`] !== undefined; index++) {
    const name = instance[`disk${index}_name`];
    const size = steppedSize(Number(instance[`disk${index}_size`]));
    disks.push(name === undefined || name === NONE ? { size } : { size, name });
  }
  return disks;
}

function nicsOf(instance: Values): Given['nics'] {
  const nics: Given['nics'] = [];
  for (let index = 0; instance[`nic${index}_mac`] !== undefined; index++) {
    const nicValue = (name: string) => {
      const value = instance[`nic${index}_${name}`];
      return value === undefined || value === NONE || value === '' ? null : value;
    };
    const network = nicValue('network');
    // The network of a NIC decides mode, link and vlan.
    const link =
      network === null
        ? { mode: nicValue('mode'), link: nicValue('link'), vlan: nicValue('vlan') }
        : { network };
    nics.push({ ...link, mac: nicValue('mac'), ip: nicValue('ip'), name: nicValue('name') });
  }
  return nics;
}

/** The NICs of the request; if the instance keeps its name, those without a MAC address keep that of the export. */
function nicsGiven(instance: Values, { nics, instance_name }: Given): Given['nics'] {
  if (instance.name !== hostName(instance_name)) return nics;
  return nics.map((nic, index) => {
    const mac = instance[`nic${index}_mac`];
    const needsMac = nic.mac === undefined || nic.mac === null || nic.mac === 'auto';
    return needsMac && mac !== undefined ? { ...nic, mac } : nic;
  });
}

function hvParamsOf(values: Values, hypervisor: HypervisorName | null): ParamValues {
  if (hypervisor === null) return {};
  return withKinds(values, hypervisorParams[hypervisor].kinds, clusterOnlyHvParams);
}

function beParamsOf({ backend, instance = {} }: Ini, given: Given): ParamValues {
  const values = backend ?? instance; // very old exports have no section `backend`
  // `memory` in the request sets both of these.
  const overridden = given.beparams.memory === undefined ? [] : ['minmem', 'maxmem'];
  return withKinds(values, beParamKinds, overridden);
}

/** The values that belong to a parameter set, without the excluded ones, in their proper types. @throws MerapiError type_enforcement */
function withKinds(values: Values, kinds: ParamKinds, excluded: readonly string[]): ParamValues {
  const own = Object.entries(values).filter(
    ([name, value]) => Object.hasOwn(kinds, name) && value !== NONE && !excluded.includes(name),
  );
  return enforceKinds(Object.fromEntries(own), kinds);
}
