import { templates } from '../../model/templates/index.ts';
import type { InstanceTarget } from '../../rpc/types.ts';

/** What every script of an OS definition gets. */
export interface CoreValues {
  apiVersion: number;
  /** The definition's name, without a variant. */
  osName: string;
  variant: string;
  /** Public, private and secret OS parameters together. */
  osparams: Readonly<Record<string, string>>;
  debug: number;
}

type Environment = Record<string, string>;

/** Where the programs that scripts call are found. */
const PATH = '/sbin:/bin:/usr/sbin:/usr/bin';

/** The variables of ganeti-os-interface(7) that do not depend on an instance. Nothing else reaches a script. */
export function coreEnvironment(values: CoreValues): Environment {
  const environment: Environment = {
    PATH,
    OS_API_VERSION: String(values.apiVersion),
    OS_NAME: values.osName,
    OS_VARIANT: values.variant,
    DEBUG_LEVEL: String(values.debug),
  };
  for (const [name, value] of Object.entries(values.osparams)) environment[parameterVariable(name)] = value;
  return environment;
}

/** The variable in which a script finds an OS parameter. */
export function parameterVariable(name: string): string {
  return `OSP_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The variables that describe an instance; `diskPaths` are in the order of its disks. */
export function instanceEnvironment(instance: InstanceTarget, diskPaths: readonly string[]): Environment {
  const environment: Environment = {
    INSTANCE_NAME: instance.name,
    INSTANCE_UUID: instance.uuid,
    INSTANCE_OS: instance.os,
    HYPERVISOR: instance.hypervisor,
    DISK_COUNT: String(instance.disks.length),
    NIC_COUNT: String(instance.nics.length),
  };
  const sources = { BE: instance.beparams, HV: instance.hvparams };
  for (const [kind, params] of Object.entries(sources)) {
    for (const [name, value] of Object.entries(params))
      environment[`INSTANCE_${kind}_${name}`] = pythonText(value);
  }
  instance.disks.forEach((_, index) => {
    addDisk(environment, instance, index, diskPaths[index]);
  });
  instance.nics.forEach((_, index) => {
    addNic(environment, instance, index);
  });
  return environment;
}

function addDisk(environment: Environment, instance: InstanceTarget, index: number, path?: string): void {
  const disk = instance.disks[index];
  if (!disk) return;
  set(environment, `DISK_${index}_`, {
    PATH: path,
    ACCESS: disk.mode,
    UUID: disk.uuid,
    NAME: disk.name,
    SIZE: disk.size,
    FRONTEND_TYPE: instance.hvparams.disk_type,
    BACKEND_TYPE: templates[disk.dev_type].fileBased ? `file:${disk.logical_id[0]}` : 'block',
  });
}

function addNic(environment: Environment, instance: InstanceTarget, index: number): void {
  const nic = instance.nics[index];
  if (!nic) return;
  const { mode, link, vlan } = nic.nicparams;
  set(environment, `NIC_${index}_`, {
    MAC: nic.mac,
    UUID: nic.uuid,
    NAME: nic.name,
    IP: nic.ip,
    MODE: mode,
    BRIDGE: mode === 'bridged' ? link : undefined,
    LINK: link,
    VLAN: vlan,
    FRONTEND_TYPE: instance.hvparams.nic_type,
    NETWORK_NAME: nic.network?.name,
    NETWORK_UUID: nic.network?.uuid,
    NETWORK_SUBNET: nic.network?.network,
    NETWORK_GATEWAY: nic.network?.gateway,
    NETWORK_SUBNET6: nic.network?.network6,
    NETWORK_GATEWAY6: nic.network?.gateway6,
    NETWORK_MAC_PREFIX: nic.network?.mac_prefix,
    NETWORK_TAGS: nic.network?.tags.join(' '),
  });
}

/** Sets those of the variables that have a value. */
function set(environment: Environment, prefix: string, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') environment[prefix + name] = String(value);
  }
}

/** Values as Ganeti writes them, which scripts compare with. */
function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
