import type { InstanceTarget } from '../../../rpc/types.ts';
import {
  type DiskLocation,
  displayArgs,
  EMPTY_DISK,
  escapeCommas,
  nicArgs,
  soundArgs,
  storageArgs,
  usbArgs,
} from './devices.ts';
import { type Accelerator, machineArgs, portArgs } from './machine.ts';
import { type KvmParams, shellWords } from './params.ts';
import type { GuestSockets } from './sockets.ts';

/** The memory (MiB) of a trial guest, at most. */
const TRIAL_MEMORY = 256;

/** The device of the guest agent's port, and the character device behind it. */
export const AGENT_PORT = 'agent-port';
export const AGENT_CHARDEV = 'agent';

/** Everything that determines the command line of a guest. */
export interface CommandInput {
  instance: InstanceTarget;
  params: KvmParams;
  accelerator: Accelerator;
  /** Where the data of each disk is, in the order of the instance's disks. */
  disks: readonly DiskLocation[];
  /** The tap device of each NIC, in order. */
  taps: readonly string[];
  sockets: GuestSockets;
  pidFile: string;
  /** The file, or named pipe, for the output of the guest's serial console. */
  serialLog: string;
}

/**
 * QEMU's arguments for a guest. The guest starts paused (-S), so that nothing executes in it before the start has succeeded. Its
 * process stays when the guest shuts itself down (-no-shutdown), so that the driver notices even if it was not connected.
 * @throws MerapiError hypervisor naming a parameter whose value is not supported
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
    ...['-device', `virtserialport,id=${AGENT_PORT},chardev=agent,name=org.qemu.guest_agent.0`],
    ...['-device', 'virtio-balloon-pci,id=balloon'],
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...soundArgs(params),
    ...usbArgs(params),
    ...kernelArgs(params),
    ...shellWords(params.text('kvm_extra')),
  ];
}

/**
 * QEMU's arguments for a trial: a guest with the same devices that never executes, whose monitor is on standard input and output.
 * Disks and networks are replaced by empty ones, because a running guest of the instance may use the real ones.
 * @throws MerapiError hypervisor naming a parameter whose value is not supported
 */
export function trialLine({
  instance,
  params,
  accelerator,
}: Pick<CommandInput, 'instance' | 'params' | 'accelerator'>): string[] {
  const { maxmem, vcpus } = instance.beparams;
  const disks = instance.disks.map(() => EMPTY_DISK);
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

/** Boots a kernel from the host; without a kernel_path the guest boots from its own devices. */
function kernelArgs(params: KvmParams): string[] {
  if (params.text('kernel_path') === '') return [];
  const words = [params.text('kernel_args')];
  if (params.text('root_path') !== '') words.unshift(`root=${params.text('root_path')}`);
  if (params.flag('serial_console')) words.push(`console=ttyS0,${params.number('serial_speed')}`);
  const args = ['-kernel', params.text('kernel_path')];
  if (params.text('initrd_path') !== '') args.push('-initrd', params.text('initrd_path'));
  return [...args, '-append', words.filter((word) => word !== '').join(' ')];
}
