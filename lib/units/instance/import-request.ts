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

/** Python's word for nothing, which stands for values that an exported instance did not have. */
const NONE = 'None';

/**
 * The request with what it leaves open filled in from an export's config.ini, as Ganeti does.
 * @throws MerapiError environment_error for an export of another kind, wrong_input when the request does not fit it
 */
export function filledRequest(config: Ini, given: Given): Given {
  const { export: head = {}, instance = {} } = config;
  if (head.version !== EXPORT_VERSION)
    throw new MerapiError(
      'environment_error',
      `The export has version ${head.version ?? 'none'}; only version ${EXPORT_VERSION} can be imported`,
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

/** The names of the files of an export's disks; null where a disk has none. */
export function exportedFiles({ instance = {} }: Ini): (string | null)[] {
  const count = Number(instance.disk_count ?? 0);
  return Array.from({ length: count }, (_, index) => {
    const file = instance[`disk${index}_dump`];
    return file === undefined || file === NONE ? null : file;
  });
}

/**
 * Whether the files of an export's disks are there, and as long as when they were exported.
 * @throws MerapiError environment_error naming the file
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
    if (size !== bytes) throw refuse(`is not whole: it has ${size} bytes, and ${bytes} were exported`);
  }
}

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
    const of = (name: string) => {
      const value = instance[`nic${index}_${name}`];
      return value === undefined || value === NONE || value === '' ? null : value;
    };
    const network = of('network');
    // A network decides these itself.
    const link = network === null ? { mode: of('mode'), link: of('link'), vlan: of('vlan') } : { network };
    nics.push({ ...link, mac: of('mac'), ip: of('ip'), name: of('name') });
  }
  return nics;
}

/** The NICs of the request; one that needs a MAC address gets the old one, if the instance has its old name. */
function nicsGiven(instance: Values, { nics, instance_name }: Given): Given['nics'] {
  if (instance.name !== hostName(instance_name)) return nics;
  return nics.map((nic, index) => {
    const mac = instance[`nic${index}_mac`];
    const isOpen = nic.mac === undefined || nic.mac === null || nic.mac === 'auto';
    return isOpen && mac !== undefined ? { ...nic, mac } : nic;
  });
}

function hvParamsOf(values: Values, hypervisor: HypervisorName | null): ParamValues {
  if (hypervisor === null) return {};
  return withKinds(values, hypervisorParams[hypervisor].kinds, clusterOnlyHvParams);
}

function beParamsOf({ backend, instance = {} }: Ini, given: Given): ParamValues {
  const values = backend ?? instance; // very old exports have no section for them
  // The old name sets both, and a request that uses it means both.
  const hidden = given.beparams.memory === undefined ? [] : ['minmem', 'maxmem'];
  return withKinds(values, beParamKinds, hidden);
}

/** Those of the values that a parameter set has, in their proper types. @throws MerapiError type_enforcement */
function withKinds(values: Values, kinds: ParamKinds, but: readonly string[]): ParamValues {
  const own = Object.entries(values).filter(
    ([name, value]) => Object.hasOwn(kinds, name) && value !== NONE && !but.includes(name),
  );
  return enforceKinds(Object.fromEntries(own), kinds);
}
