import { MerapiError } from '../../../base/errors.ts';
import { type KvmParams, wordOf } from './params.ts';

/** How QEMU executes the guest: with the processor's virtualisation, or by translating its code. */
export type Accelerator = 'kvm' | 'tcg';

/** What the parameter machine_version says. */
interface Machine {
  type: string;
  /** Accelerators in the order of preference; empty when the parameter names none. */
  accelerators: Accelerator[];
  /** Further properties of the machine, as given. */
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

/** Whether devices can come to the running machine only at ports that it was started with. */
export function isPortBased(params: KvmParams): boolean {
  return /^(pc-)?q35/.test(readMachine(params).type);
}

/** How the names of such ports begin, and how many a machine has. */
export const PORT = 'port';
const PORTS = 8;

/** Free ports for devices that come later. */
export function portArgs(params: KvmParams): string[] {
  if (!isPortBased(params)) return [];
  // The numbers of their chassis are far from those that an administrator's own devices may have.
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
      `machine_version names the accelerator ${name}; kvm and tcg are known`,
    );
  });
}

/**
 * The accelerator of a guest: what the worker's settings say, else what machine_version names, else what kvm_flag demands, else
 * the best that works here. `probe` is asked only where the choice is open.
 */
export async function chooseAccelerator(
  params: KvmParams,
  told: Accelerator | undefined,
  probe: () => Promise<Accelerator>,
): Promise<Accelerator> {
  const flag = wordOf(params, 'kvm_flag');
  if (told) return told;
  const { accelerators } = readMachine(params);
  const only = new Set(accelerators).size === 1 ? accelerators[0] : undefined;
  if (only) return only;
  if (accelerators.length === 0 && flag !== '') return flag === 'enabled' ? 'kvm' : 'tcg';
  return probe();
}

/** The options that describe the machine: type, accelerator, processors, memory, clock. */
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

function processors(params: KvmParams, vcpus: number): string {
  const shape = (['cpu_sockets', 'cpu_cores', 'cpu_threads'] as const)
    .filter((name) => params.number(name) > 0)
    .map((name) => `,${name.slice('cpu_'.length)}=${params.number(name)}`);
  return `${vcpus}${shape.join('')}`;
}
