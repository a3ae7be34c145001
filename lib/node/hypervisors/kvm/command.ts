import type { InstanceTarget } from '../../../rpc/types.ts';
import {
  type DiskPlace,
  displayArgs,
  escapeCommas,
  NOWHERE,
  nicArgs,
  soundArgs,
  storageArgs,
  usbArgs,
} from './devices.ts';
import { type Accelerator, machineArgs, portArgs } from './machine.ts';
import { type KvmParams, shellWords } from './params.ts';
import type { GuestSockets } from './sockets.ts';

/** The most memory (MiB) that a guest gets which never runs. */
const TRIAL_MEMORY = 256;

/** All that the command line of a guest is made from. */
export interface CommandInput {
  instance: InstanceTarget;
  params: KvmParams;
  accelerator: Accelerator;
  disks: readonly DiskPlace[];
  /** The tap device of each NIC. */
  taps: readonly string[];
  sockets: GuestSockets;
  pidFile: string;
  /** Gets all that the guest writes to its serial console. */
  serialLog: string;
}

/**
 * QEMU's arguments for a guest. It starts paused, so that nothing in it runs before all is known to be well; and its
 * process stays when the guest shuts itself down, so that the driver learns of it even when it was away.
 * @throws MerapiError hypervisor naming a parameter with a value that cannot be followed
 */
export function commandLine(input: CommandInput): string[] {
  const { instance, params, sockets } = input;
  const { maxmem, vcpus } = instance.beparams;
  return [
    ...['-name', escapeCommas(instance.name), '-uuid', instance.uuid, '-pidfile', input.pidFile],
    ...['-nodefaults', '-no-user-config', '-S', '-no-shutdown'],
    ...machineArgs(params, input.accelerator, { memory: maxmem, vcpus }),
    ...displayArgs(params, instance),
    ...['-chardev', `socket,id=qmp,path=${escapeCommas(sockets.qmp)},server=on,wait=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
    ...serialArgs(input),
    ...portArgs(params),
    ...storageArgs(params, instance.disks, input.disks),
    ...nicArgs(params, instance.nics, input.taps),
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=agent,path=${escapeCommas(sockets.agent)},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
    ...['-device', 'virtio-balloon-pci,id=balloon'],
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...soundArgs(params),
    ...usbArgs(params),
    ...kernelArgs(params),
    ...shellWords(params.text('kvm_extra')),
  ];
}

/**
 * QEMU's arguments for a guest like this one that makes all devices, answers on its standard input and output, and never
 * runs: disks, networks, screens and what else a running guest may hold are left out.
 */
export function trialLine({
  instance,
  params,
  accelerator,
}: Pick<CommandInput, 'instance' | 'params' | 'accelerator'>): string[] {
  const { maxmem, vcpus } = instance.beparams;
  const disks = instance.disks.map(() => NOWHERE);
  return [
    ...['-nodefaults', '-no-user-config', '-S'],
    ...machineArgs(params, accelerator, { memory: Math.min(maxmem, TRIAL_MEMORY), vcpus }),
    ...displayArgs(params, instance),
    ...['-chardev', 'stdio,id=qmp', '-mon', 'chardev=qmp,mode=control'],
    ...(params.flag('serial_console') ? ['-serial', 'null'] : []),
    ...portArgs(params),
    ...storageArgs(params, instance.disks, disks),
    ...nicArgs(
      params,
      instance.nics,
      instance.nics.map(() => null),
    ),
    ...['-device', 'virtio-serial-pci', '-device', 'virtio-balloon-pci,id=balloon'],
    ...soundArgs(params),
    ...usbArgs(params),
    ...kernelArgs(params),
  ];
}

function serialArgs({ params, sockets, serialLog }: CommandInput): string[] {
  if (!params.flag('serial_console')) return [];
  const socket = `socket,id=serial,path=${escapeCommas(sockets.serial)},server=on,wait=off`;
  return ['-chardev', `${socket},logfile=${escapeCommas(serialLog)}`, '-serial', 'chardev:serial'];
}

/** Without a kernel_path the guest boots from its own devices. */
function kernelArgs(params: KvmParams): string[] {
  if (params.text('kernel_path') === '') return [];
  const words = [params.text('kernel_args')];
  if (params.text('root_path') !== '') words.unshift(`root=${params.text('root_path')}`);
  if (params.flag('serial_console')) words.push(`console=ttyS0,${params.number('serial_speed')}`);
  const args = ['-kernel', params.text('kernel_path')];
  if (params.text('initrd_path') !== '') args.push('-initrd', params.text('initrd_path'));
  return [...args, '-append', words.filter((word) => word !== '').join(' ')];
}
