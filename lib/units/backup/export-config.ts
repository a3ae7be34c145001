// config.ini of an export, in Ganeti's format, so that Ganeti can import exports of Merapi and the other way round. Only the section
// `merapi` is our own: the sizes and checksums of the files. Private OS parameters must not be in it.

import type { Ini } from '../../base/ini.ts';
import { pythonText } from '../../base/python.ts';
import type { Disk } from '../../model/disk.ts';
import { fillNicParams } from '../../model/fill.ts';
import { clusterOnlyHvParams } from '../../model/hvparams/index.ts';
import type { Instance } from '../../model/instance.ts';
import type { ClusterView } from '../../model/view.ts';
import type { InstanceTarget } from '../../rpc/types.ts';

/** The version of Ganeti's format of exports. */
export const EXPORT_VERSION = '0';

/** What config.ini is made from. */
export interface Exported {
  view: ClusterView;
  instance: Instance;
  /** The same instance with all parameters filled in. */
  target: InstanceTarget;
  disks: readonly Disk[];
  /** The file of each disk. */
  files: readonly string[];
  /** Seconds since 1970. */
  now: number;
}

/** The file that a disk became in an export. */
export interface Dump {
  bytes: number;
  /** The checksum in hexadecimal. */
  sha256: string;
}

/** The section with sizes and checksums of the files, by which an import finds out whether they are complete. Ganeti has none such. */
const OWN = 'merapi';

/** The contents of config.ini with the section about the files of the disks. */
export function withDumps(config: Ini, dumps: readonly Dump[]): Ini {
  return {
    ...config,
    [OWN]: texts(
      numbered(
        'disk',
        dumps.map(({ bytes, sha256 }) => ({ bytes, sha256 })),
      ),
    ),
  };
}

/** What an export says of the file of a disk; null if it says nothing, as exports of Ganeti and of older releases do. */
export function dumpOf(config: Ini, disk: number): Dump | null {
  const values = config[OWN] ?? {};
  const [bytes, sha256] = [values[`disk${disk}_bytes`], values[`disk${disk}_sha256`]];
  return bytes === undefined || sha256 === undefined ? null : { bytes: Number(bytes), sha256 };
}

/** The contents of config.ini in Ganeti's form, without the section about the files. */
export function exportConfig({ view, instance, target, disks, files, now }: Exported): Ini {
  const { maxmem, minmem, vcpus } = target.beparams;
  const hvparams = Object.entries(target.hvparams).filter(([name]) => !clusterOnlyHvParams.includes(name));
  return {
    export: {
      version: EXPORT_VERSION,
      timestamp: String(Math.floor(now)),
      source: view.nodes.get(instance.primary_node)?.name ?? '',
      os: instance.os,
      compression: 'none',
    },
    instance: texts({
      name: instance.name,
      maxmem,
      minmem,
      memory: maxmem, // read by old releases of Ganeti
      vcpus,
      disk_template: instance.disk_template,
      hypervisor: instance.hypervisor,
      tags: instance.tags.join(' '),
      ...numbered('nic', nicValues(view, instance)),
      nic_count: instance.nics.length,
      ...numbered(
        'disk',
        disks.map(({ name, size }, index) => ({ ivname: `disk/${index}`, dump: files[index], size, name })),
      ),
      disk_count: disks.length,
    }),
    hypervisor: texts(Object.fromEntries(hvparams)),
    backend: texts(target.beparams),
    os: texts(instance.osparams),
  };
}

function nicValues(view: ClusterView, { nics }: Instance): Record<string, unknown>[] {
  return nics.map((nic) => ({
    mac: nic.mac,
    ip: nic.ip,
    network: nic.network === null ? null : view.networks.get(nic.network)?.name,
    name: nic.name,
    ...fillNicParams(view.cluster, nic),
  }));
}

/** The values of several items as PREFIX0_NAME, PREFIX1_NAME and so on. */
function numbered(prefix: string, items: readonly Record<string, unknown>[]): Record<string, unknown> {
  return Object.fromEntries(
    items.flatMap((item, index) =>
      Object.entries(item).map(([name, value]) => [`${prefix}${index}_${name}`, value]),
    ),
  );
}

/** Values as Ganeti writes them: texts unchanged, everything else as Python's str() shows it. */
function texts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : pythonText(value),
    ]),
  );
}
