// The environment of the scripts of OS definitions, see ganeti-os-interface(7). The names of the variables and the form of their values
// are Ganeti's; scripts written for Ganeti depend on them.
import { templates } from '../../model/templates/index.ts';
import type { InstanceTarget } from '../../rpc/types.ts';

/** The values that every script of an OS definition gets, whatever it does. */
export interface CoreValues {
  apiVersion: number;
  /** The definition's name, without a variant. */
  osName: string;
  variant: string;
  /** Public, private and secret OS parameters together. */
  osparams: Readonly<Record<string, string>>;
  /** The debug level of the opcode. */
  debug: number;
}

type Environment = Record<string, string>;

/** The search path of scripts; the worker's own is not passed on. */
const PATH = '/sbin:/bin:/usr/sbin:/usr/bin';

/** The variables that do not depend on an instance. Nothing of the worker's own environment is passed to scripts. */
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

/** The name of the variable for an OS parameter. */
export function parameterVariable(name: string): string {
  return `OSP_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The variables that describe an instance; `diskPaths` are the paths of its disks on this host, in order. */
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

/** Sets the variables that have a value; Ganeti leaves out the others. */
function set(environment: Environment, prefix: string, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') environment[prefix + name] = String(value);
  }
}

/** A value as Python prints it, which scripts compare with. */
function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
