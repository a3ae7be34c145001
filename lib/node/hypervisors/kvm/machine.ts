// QEMU's options for the machine of a guest: type, accelerator, processors, memory, clock, and free PCIe ports for hotplugged devices.
import { MerapiError } from '../../../base/errors.ts';
import { type KvmParams, wordOf } from './params.ts';

/** How QEMU executes the guest: with the processor's virtualisation (kvm), or by translating its code (tcg). */
export type Accelerator = 'kvm' | 'tcg';

/** The parsed parameter machine_version, e.g. `q35,accel=kvm:tcg,usb=off`. */
interface Machine {
  type: string;
  /** In the order of preference; empty when the parameter names none. */
  accelerators: Accelerator[];
  /** All other properties, unchanged. */
  properties: string[];
}

function readMachine(params: KvmParams): Machine {
  const machine: Machine = { type: 'pc', accelerators: [], properties: [] };
  const parts = params
    .text('machine_version')
    .split(',')
    .filter((part) => part !== '');
  parts.forEach((part, index) => {
    if (part.startsWith('accel=')) machine.accelerators = readAccelerators(part.slice('accel='.length));
    else if (part.startsWith('type=')) machine.type = part.slice('type='.length);
    else if (index === 0 && !part.includes('=')) machine.type = part;
    else machine.properties.push(part);
  });
  return machine;
}

/** Whether PCI devices can be hotplugged only at ports that the machine was started with. */
export function isPortBased(params: KvmParams): boolean {
  return /^(pc-)?q35/.test(readMachine(params).type);
}

/** The prefix of the names of such ports, and their number. */
export const PORT = 'port';
const PORTS = 8;

/** The options for free ports, for devices that are hotplugged later. */
export function portArgs(params: KvmParams): string[] {
  if (!isPortBased(params)) return [];
  // Chassis numbers must be unique; these are far from those that devices in kvm_extra are likely to have.
  return Array.from({ length: PORTS }, (_, index) => [
    '-device',
    `pcie-root-port,id=${PORT}${index},chassis=${200 + index}`,
  ]).flat();
}

function readAccelerators(text: string): Accelerator[] {
  return text.split(':').map((name) => {
    if (name === 'kvm' || name === 'tcg') return name;
    throw new MerapiError(
      'hypervisor',
      `machine_version names the unknown accelerator ${name}; use kvm or tcg`,
    );
  });
}

/**
 * The accelerator of a guest: the one in the worker's settings (`configured`), else the one that machine_version names, else that of
 * kvm_flag, else the best one that works here, which `probe` finds out.
 * @throws MerapiError hypervisor for malformed parameters
 */
export async function chooseAccelerator(
  params: KvmParams,
  configured: Accelerator | undefined,
  probe: () => Promise<Accelerator>,
): Promise<Accelerator> {
  const flag = wordOf(params, 'kvm_flag');
  if (configured) return configured;
  const { accelerators } = readMachine(params);
  const named = new Set(accelerators).size === 1 ? accelerators[0] : undefined;
  if (named) return named;
  if (accelerators.length === 0 && flag !== '') return flag === 'enabled' ? 'kvm' : 'tcg';
  return probe();
}

/** The options for the machine's type, accelerator, processors, memory (MiB) and clock. */
export function machineArgs(
  params: KvmParams,
  accelerator: Accelerator,
  size: { memory: number; vcpus: number },
): string[] {
  const machine = readMachine(params);
  const properties = [...machine.properties];
  if (!params.flag('acpi')) properties.push('acpi=off');
  const args = ['-machine', [machine.type, `accel=${accelerator}`, ...properties].join(',')];
  if (params.text('cpu_type') !== '') args.push('-cpu', params.text('cpu_type'));
  args.push('-m', `${size.memory}M`, '-smp', processors(params, size.vcpus));
  if (params.text('mem_path') !== '') args.push('-mem-path', params.text('mem_path'), '-mem-prealloc');
  if (params.flag('use_localtime')) args.push('-rtc', 'base=localtime');
  if (wordOf(params, 'reboot_behavior') === 'exit') args.push('-no-reboot');
  return args;
}

/** The value of -smp: the number of virtual CPUs and, if parameters say so, their topology. */
function processors(params: KvmParams, vcpus: number): string {
  const shape = (['cpu_sockets', 'cpu_cores', 'cpu_threads'] as const)
    .filter((name) => params.number(name) > 0)
    .map((name) => `,${name.slice('cpu_'.length)}=${params.number(name)}`);
  return `${vcpus}${shape.join('')}`;
}
