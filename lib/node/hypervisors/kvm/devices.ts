// QEMU's options for the disks, drives, NICs, sound, USB devices and screen of a guest, from the hypervisor parameters. Devices that can be
// hotplugged have ids derived from their uuids (diskId, nicId, deviceId), so that a restarted worker finds them again.
import { MerapiError } from '../../../base/errors.ts';
import type { kvmWords } from '../../../model/hvparams/kvm-forms.ts';
import type { DiskTarget, InstanceTarget, NicTarget } from '../../../rpc/types.ts';
import type { DiskSource } from '../../storage/define.ts';
import { type KvmParams, wordOf } from './params.ts';
import { fitsSocket, LONGEST_SOCKET } from './sockets.ts';

/** Where the data of a guest's disk is on this node. */
export type DiskLocation =
  /** A path of the host; `block` says whether it is a block device or a file. */
  | { readonly path: string; readonly block: boolean; readonly blockdev?: never }
  /** A block device that QEMU itself accesses, in the form of blockdev-add. */
  | { readonly blockdev: NonNullable<DiskSource['blockdev']>; readonly path?: never };

/** A disk without data, for trial guests. */
export const EMPTY_DISK: DiskLocation = { blockdev: { driver: 'null-co', size: 1024 * 1024 } };

/** Doubles the commas of a value, because a single comma ends the value in QEMU's options. */
export function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,');
}

/** The properties of a device or back end, under QEMU's names. */
type Properties = Readonly<Record<string, string | number | boolean>>;
/** The properties of a device that the guest sees. */
export type DeviceProperties = Properties & { readonly driver: string; readonly id: string };

/** How many characters of a uuid are in QEMU's names, which may have 31. */
const UUID_PREFIX = 23;

/** The name of a disk's block node. */
export function diskId({ uuid }: Pick<DiskTarget, 'uuid'>): string {
  return `disk-${uuid.slice(0, UUID_PREFIX)}`;
}

/** The name of a NIC's back end (netdev). */
export function nicId({ uuid }: Pick<NicTarget, 'uuid'>): string {
  return `nic-${uuid.slice(0, UUID_PREFIX)}`;
}

/** The name of the device that the guest sees, for the name of its back end. */
export function deviceId(id: string): string {
  return `dev-${id}`;
}

/** Properties as an option of the command line: the value of the first one, then NAME=VALUE for the others. */
function optionText(properties: Properties): string {
  const [[, first] = ['', ''], ...rest] = Object.entries(properties);
  const text = (value: string | number | boolean) => {
    if (typeof value === 'boolean') return value ? 'on' : 'off';
    return escapeCommas(String(value));
  };
  return [String(first), ...rest.map(([name, value]) => `${name}=${text(value)}`)].join(',');
}

/** Whether the guest boots from this kind of device first (parameter boot_order). */
function bootsFrom(params: KvmParams, kind: string): boolean {
  return wordOf(params, 'boot_order') === kind;
}

const bootFirst = (first: boolean): Properties => (first ? { bootindex: 1 } : {});

/** QEMU's device for a disk or an image, and whether it needs a SCSI controller. */
interface BlockDevice {
  device: string;
  scsi: boolean;
}

/** By disk_type. */
const diskDevices: Readonly<Record<(typeof kvmWords.disk_type)[number], BlockDevice>> = {
  paravirtual: { device: 'virtio-blk-pci', scsi: false },
  ide: { device: 'ide-hd', scsi: false },
  scsi: { device: 'scsi-hd', scsi: true },
  'scsi-hd': { device: 'scsi-hd', scsi: true },
  'scsi-block': { device: 'scsi-block', scsi: true },
  'scsi-generic': { device: 'scsi-generic', scsi: true },
};

/** By cdrom_disk_type. */
const cdromDevices: Readonly<Record<(typeof kvmWords.cdrom_disk_type)[number], BlockDevice>> = {
  '': { device: 'ide-cd', scsi: false },
  ide: { device: 'ide-cd', scsi: false },
  paravirtual: { device: 'virtio-blk-pci', scsi: false },
  scsi: { device: 'scsi-cd', scsi: true },
  'scsi-cd': { device: 'scsi-cd', scsi: true },
};

/** The options for all disks, whose locations are in the same order, the two CD drives and the floppy. */
export function storageArgs(
  params: KvmParams,
  disks: readonly DiskTarget[],
  locations: readonly DiskLocation[],
): string[] {
  const { scsi } = diskKind(params);
  const cdrom = cdromDevices[wordOf(params, 'cdrom_disk_type')];
  const images = [params.text('cdrom_image_path'), params.text('cdrom2_image_path')];
  const drives = images.map((image, index) => ({ image, index })).filter(({ image }) => image !== '');
  const args: string[] = [];
  if ((scsi && disks.length > 0) || (cdrom.scsi && drives.length > 0)) {
    const controller = wordOf(params, 'scsi_controller_type');
    args.push('-device', `${controller},id=scsi`);
  }
  disks.forEach((target, index) => {
    const location = locations[index];
    if (!location) throw new MerapiError('internal_error', `The location of disk ${index} is missing`);
    args.push('-blockdev', JSON.stringify(diskNode(params, target, location)));
    const first = bootFirst(index === 0 && bootsFrom(params, 'disk'));
    args.push('-device', optionText({ ...diskDevice(params, target), ...first }));
  });
  for (const { image, index } of drives) {
    args.push('-blockdev', JSON.stringify(imageNode(image, `cdrom${index}`)));
    const first = bootFirst(index === 0 && bootsFrom(params, 'cdrom'));
    const [driver, drive] = [cdrom.device, `cdrom${index}`];
    args.push('-device', optionText({ driver, drive, id: deviceId(drive), ...first }));
  }
  const floppy = params.text('floppy_image_path');
  if (floppy !== '') args.push('-drive', `if=floppy,format=raw,readonly=on,file=${escapeCommas(floppy)}`);
  if (bootsFrom(params, 'floppy')) args.push('-boot', 'order=a');
  return args;
}

function diskKind(params: KvmParams): BlockDevice {
  return diskDevices[wordOf(params, 'disk_type')];
}

/** The device of a disk. With disk_cache writethrough it reports to the guest that it has no write cache. */
export function diskDevice(params: KvmParams, target: DiskTarget): DeviceProperties {
  const drive = diskId(target);
  const cache: Properties = params.text('disk_cache') === 'writethrough' ? { 'write-cache': 'off' } : {};
  return { driver: diskKind(params).device, drive, id: deviceId(drive), ...cache };
}

/** The block node of a disk. */
export function diskNode(
  params: KvmParams,
  target: DiskTarget,
  location: DiskLocation,
): { readonly driver: string; readonly 'node-name': string; readonly [option: string]: unknown } {
  const cache = wordOf(params, 'disk_cache');
  const discard = wordOf(params, 'disk_discard');
  const shared = {
    'read-only': target.mode === 'ro',
    cache: { direct: cache === 'none' },
    discard: discard === 'unmap' ? 'unmap' : 'ignore',
  };
  const aio = wordOf(params, 'disk_aio');
  const name = diskId(target);
  if (location.blockdev)
    return { driver: 'raw', 'node-name': name, ...shared, file: { ...location.blockdev, ...shared } };
  const driver = location.block ? 'host_device' : 'file';
  const file = { driver, filename: location.path, aio, ...shared };
  return { driver: 'raw', 'node-name': name, ...shared, file };
}

/** The block node of a CD image: a file, or a URL that QEMU reads. */
function imageNode(image: string, name: string): object {
  const scheme = /^(https?|ftps?):\/\//.exec(image)?.[1];
  const file = scheme ? { driver: scheme, url: image } : { driver: 'file', filename: image };
  return { driver: 'raw', 'node-name': name, 'read-only': true, file: { ...file, 'read-only': true } };
}

/** The options for all NICs. `taps` are their tap devices in order; null for a trial guest. */
export function nicArgs(
  params: KvmParams,
  nics: readonly NicTarget[],
  taps: readonly (string | null)[],
): string[] {
  const network = bootsFrom(params, 'network');
  return nics.flatMap((nic, index) => {
    const first = bootFirst(index === 0 && network);
    return [
      ...['-netdev', optionText(netdev(params, nic, taps[index] ?? null))],
      ...['-device', optionText({ ...nicDevice(params, nic), ...first })],
    ];
  });
}

const nicType = (params: KvmParams) => wordOf(params, 'nic_type');

/** The back end of a NIC: its tap device; for a trial guest (null) a hub port that leads nowhere. */
export function netdev(
  params: KvmParams,
  nic: NicTarget,
  tap: string | null,
): Properties & { readonly type: string; readonly id: string } {
  if (tap === null) return { type: 'hubport', id: nicId(nic), hubid: 0 };
  const isVirtio = nicType(params) === 'paravirtual';
  const vhost: Properties = isVirtio && params.flag('vhost_net') ? { vhost: true } : {};
  const header: Properties = params.flag('vnet_hdr') ? {} : { vnet_hdr: false };
  return { type: 'tap', id: nicId(nic), ifname: tap, script: 'no', downscript: 'no', ...vhost, ...header };
}

/** The network card that the guest sees. */
export function nicDevice(params: KvmParams, nic: NicTarget): DeviceProperties {
  const type = nicType(params);
  const driver = type === 'paravirtual' ? 'virtio-net-pci' : type;
  // A card's boot ROM slows down each start and is needed only to boot from the network.
  const rom: Properties = bootsFrom(params, 'network') || type === 'ne2k_isa' ? {} : { romfile: '' };
  return { driver, netdev: nicId(nic), id: deviceId(nicId(nic)), mac: nic.mac, ...rom };
}

/** QEMU's devices for each sound card of the parameter soundhw. */
const soundCards: Readonly<Record<string, readonly string[]>> = {
  ac97: ['AC97,audiodev=sound'],
  es1370: ['ES1370,audiodev=sound'],
  hda: ['intel-hda', 'hda-duplex,audiodev=sound'],
  sb16: ['sb16,audiodev=sound'],
};

/** The options for sound cards; their output is discarded. @throws MerapiError hypervisor for an unknown card */
export function soundArgs(params: KvmParams): string[] {
  const names = params
    .text('soundhw')
    .split(',')
    .filter((name) => name !== '');
  if (names.length === 0) return [];
  const devices = names.flatMap((name) => {
    const found = soundCards[name];
    if (found) return found.flatMap((device) => ['-device', device]);
    const known = Object.keys(soundCards).join(', ');
    throw new MerapiError('hypervisor', `soundhw names the card ${name}; these are known: ${known}`);
  });
  return ['-audiodev', 'none,id=sound', ...devices];
}

const usbNames: Readonly<Record<string, string>> = {
  keyboard: 'usb-kbd',
  mouse: 'usb-mouse',
  tablet: 'usb-tablet',
};

/** The options for USB devices: short names, or QEMU's own options of a device that begins with `usb-`. @throws MerapiError hypervisor */
export function usbArgs(params: KvmParams): string[] {
  const mouse = wordOf(params, 'usb_mouse');
  const words = params
    .text('usb_devices')
    .split(/\s+/)
    .concat(mouse)
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const devices = words.map((word) => {
    const device = usbNames[word] ?? word;
    if (device.startsWith('usb-')) return device;
    const known = Object.keys(usbNames).join(', ');
    throw new MerapiError('hypervisor', `usb_devices names ${word}; these are known: ${known}, usb-…`);
  });
  return ['-usb', ...devices.flatMap((device) => ['-device', device])];
}

/**
 * The socket of a guest's VNC server in the folder `vnc_bind_address`: NAME.vnc, or UUID.vnc if the former is too long for a socket.
 * @throws MerapiError hypervisor when the path of the folder is too long for both
 */
export function vncSocket(folder: string, { name, uuid }: Pick<InstanceTarget, 'name' | 'uuid'>): string {
  const path = [name, uuid].map((each) => `${folder}/${each}.vnc`).find(fitsSocket);
  if (path !== undefined) return path;
  throw new MerapiError(
    'hypervisor',
    `vnc_bind_address ${folder} is too long for a socket in it; use a folder of at most ${LONGEST_SOCKET - 41} characters, or an IP address`,
  );
}

/** The port of VNC's display 0. */
export const VNC_BASE_PORT = 5900;

/**
 * The options for the screen: none, or a VNC server on a socket or on the port of the guest's console. A guest without such a port
 * (network_port) gets the first free one from 5900 to 5999.
 */
export function displayArgs(
  params: KvmParams,
  instance: Pick<InstanceTarget, 'name' | 'uuid' | 'network_port'>,
): string[] {
  const bind = params.text('vnc_bind_address');
  const vga = wordOf(params, 'vga') || (bind === '' ? 'none' : 'std');
  const args = ['-display', 'none', '-vga', vga];
  if (params.text('keymap') !== '') args.push('-k', params.text('keymap'));
  if (bind === '') return args;
  const { network_port } = instance;
  const address = bind.includes(':') ? `[${bind}]` : bind;
  const listen = bind.startsWith('/')
    ? `unix:${escapeCommas(vncSocket(bind, instance))}`
    : `${address}:${network_port ? network_port - VNC_BASE_PORT : '0,to=99'}`;
  const password = params.text('vnc_password_file') === '' ? '' : ',password=on';
  return [...args, '-vnc', listen + password];
}
