import { isIP } from 'node:net';
import {
  between,
  filePath,
  imagePath,
  listOf,
  oneNumber,
  oneOf,
  programPath,
  text,
  type ValueForm,
} from './forms.ts';

/** The accepted words of enumerated kvm parameters. The driver (lib/node/hypervisors/kvm) maps them to QEMU's options. */
export const kvmWords = {
  boot_order: ['cdrom', 'disk', 'floppy', 'network'],
  cdrom_disk_type: ['', 'ide', 'paravirtual', 'scsi', 'scsi-cd'],
  disk_aio: ['threads', 'native', 'io_uring'],
  disk_cache: ['default', 'none', 'writeback', 'writethrough'],
  disk_discard: ['default', 'ignore', 'unmap'],
  disk_type: ['paravirtual', 'ide', 'scsi', 'scsi-block', 'scsi-generic', 'scsi-hd'],
  kvm_flag: ['', 'enabled', 'disabled'],
  nic_type: [
    'paravirtual',
    'e1000',
    'e1000-82544gc',
    'e1000-82545em',
    'i82550',
    'i82551',
    'i82557a',
    'i82557b',
    'i82557c',
    'i82558b',
    'i82559a',
    'i82559b',
    'i82559c',
    'i82559er',
    'i82562',
    'i82801',
    'ne2k_isa',
    'ne2k_pci',
    'pcnet',
    'rtl8139',
  ],
  reboot_behavior: ['reboot', 'exit'],
  scsi_controller_type: ['lsi', 'megasas', 'virtio-scsi-pci'],
  soundhw: ['ac97', 'es1370', 'hda', 'sb16'],
  usb_mouse: ['', 'mouse', 'tablet'],
  vga: ['', 'none', 'std', 'cirrus', 'vmware', 'qxl', 'virtio'],
} as const;

/** A value of a QEMU option with its properties: `q35,accel=kvm`. */
const options = /[A-Za-z0-9_.+:=/-]+(,[A-Za-z0-9_.+:=/-]+)*/;

/** The forms of kvm's parameters that QEMU accepts. */
export const kvmForms: Readonly<Record<string, ValueForm>> = {
  ...Object.fromEntries(
    Object.entries(kvmWords).map(([name, words]) => [
      name,
      name === 'soundhw' ? listOf(words) : oneOf(words),
    ]),
  ),
  cdrom_image_path: imagePath,
  cdrom2_image_path: imagePath,
  cpu_cores: between(0, 255),
  cpu_mask: text(/all|[0-9,:^-]+|[0-9]+(-[0-9]+)?/, 'a list of processors, such as all, 0-3 or 1:2:0-1'),
  cpu_sockets: between(0, 255),
  cpu_threads: between(0, 255),
  cpu_type: text(
    options,
    "QEMU's name of a processor, with properties after commas, such as host or qemu64,+ssse3",
  ),
  floppy_image_path: filePath,
  initrd_path: filePath,
  kernel_path: filePath,
  keymap: text(/[a-z]{2}(-[a-z]{2,4})?/, 'the name of a keyboard layout, such as en-us or de'),
  kvm_path: programPath,
  kvm_pci_reservations: between(0, 31),
  machine_version: text(
    options,
    "QEMU's name of a machine, with properties after commas, such as pc or q35,accel=kvm",
  ),
  mem_path: filePath,
  migration_bandwidth: between(0, 1_000_000),
  migration_downtime: between(0, 2_000_000),
  migration_mode: oneOf(['live', 'non-live']),
  migration_port: between(1, 65_535),
  security_model: oneOf(['none', 'user', 'pool']),
  serial_speed: oneNumber([9600, 19_200, 38_400, 57_600, 115_200, 230_400, 345_600, 460_800]),
  spice_image_compression: oneOf(['', 'auto_glz', 'auto_lz', 'quic', 'glz', 'lz', 'off']),
  spice_ip_version: oneNumber([0, 4, 6]),
  spice_jpeg_wan_compression: oneOf(['', 'auto', 'never', 'always']),
  spice_password_file: filePath,
  spice_streaming_video: oneOf(['', 'off', 'all', 'filter']),
  spice_zlib_glz_wan_compression: oneOf(['', 'auto', 'never', 'always']),
  usb_devices: text(
    /\s*((keyboard|mouse|tablet|usb-[^\s]+)\s*)+/,
    "names separated by spaces: keyboard, mouse, tablet, or QEMU's name of a device, such as usb-host,hostbus=1",
  ),
  virtio_net_queues: between(1, 256),
  vnc_bind_address: {
    fits: (value) => value === '' || isIP(String(value)) !== 0 || filePath.fits(value),
    right: 'empty, an IP address, such as 127.0.0.1, or the absolute path of a folder',
  },
  vnc_password_file: filePath,
  vnc_x509_path: filePath,
};
