import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { misfit } from '../../lib/model/hvparams/forms.ts';
import { hypervisorParams, hypervisors } from '../../lib/model/hvparams/index.ts';
import { kvmWords } from '../../lib/model/hvparams/kvm-forms.ts';

const forms = hypervisorParams.kvm.forms ?? {};

describe('the forms of hypervisor parameters', () => {
  for (const hypervisor of hypervisors)
    it(`are of parameters of ${hypervisor}, and fit their defaults`, () => {
      const { kinds, defaults, forms: own = {} } = hypervisorParams[hypervisor];
      for (const name of Object.keys(own)) assert.ok(name in kinds, name);
      assert.equal(misfit(defaults, own), null);
    });

  it('take each word that there is', () => {
    for (const [name, words] of Object.entries(kvmWords))
      for (const word of words) assert.equal(misfit({ [name]: word }, forms), null, `${name}=${word}`);
  });

  const right: Record<string, unknown[]> = {
    boot_order: ['disk', 'cdrom', 'network', 'floppy'],
    cdrom_image_path: [
      '',
      '/srv/a b.iso',
      'http://host/a.iso',
      'https://[2001:db8::1]:8443/x/y.iso',
      'ftp://host/a',
    ],
    cpu_mask: ['all', '0', '0-3', '0,2-3', '1:2:0-1', '0-5,^3'],
    cpu_type: ['', 'host', 'qemu64,+ssse3', 'max,-rdtscp', 'core2duo,level=10'],
    disk_type: ['paravirtual', 'ide', 'scsi-hd'],
    kernel_path: ['', '/boot/vmlinuz-3-kvmU'],
    keymap: ['', 'de', 'en-us', 'pt-br'],
    machine_version: ['', 'pc', 'q35,accel=kvm:tcg', 'pc-i440fx-7.2', 'type=q35'],
    migration_port: [1, 8102, 65535],
    serial_speed: [9600, 115200],
    soundhw: ['', 'hda', 'ac97,hda'],
    usb_devices: ['', 'tablet', 'keyboard tablet', 'usb-host,hostbus=1,hostaddr=2'],
    vga: ['', 'std', 'virtio'],
    vnc_bind_address: ['', '0.0.0.0', '::1', '/var/run/vnc'],
  };
  for (const [name, values] of Object.entries(right))
    it(`take what is right of ${name}`, () => {
      for (const value of values) assert.equal(misfit({ [name]: value }, forms), null, String(value));
    });

  const wrong: Record<string, unknown[]> = {
    boot_order: ['cd', 'c', '', 'disk,cdrom', 'Disk'],
    cdrom_disk_type: ['floppy'],
    cdrom_image_path: ['image.iso', '/srv/', '/srv/../etc/passwd', 'file:///a', 'http://', 'http:///a'],
    cpu_cores: [-1, 256],
    cpu_mask: ['some', '0;1'],
    cpu_type: ['a b', ',+ssse3', 'qemu64,'],
    disk_aio: ['native,threads'],
    disk_cache: ['fast'],
    disk_discard: ['on'],
    disk_type: ['foo', '', 'sata'],
    floppy_image_path: ['a.img'],
    initrd_path: ['initrd'],
    kernel_path: ['vmlinuz', 'http://host/vmlinuz'],
    keymap: ['deutsch', '../de', 'DE'],
    kvm_flag: ['yes'],
    kvm_path: ['', 'kvm'],
    machine_version: ['pc accel=kvm', 'q35,,', '-foo bar'],
    mem_path: ['hugepages'],
    migration_downtime: [-1],
    migration_mode: ['nonlive', ''],
    migration_port: [0, 65536],
    nic_type: ['e1001', 'virtio'],
    reboot_behavior: ['stop'],
    scsi_controller_type: ['lsi53'],
    security_model: ['root'],
    serial_speed: [0, 1234],
    soundhw: ['beeper', 'hda,', 'hda ac97'],
    spice_image_compression: ['zip'],
    spice_ip_version: [5],
    spice_streaming_video: ['some'],
    usb_devices: ['stick', 'tablet,keyboard'],
    usb_mouse: ['trackball'],
    vga: ['hercules'],
    virtio_net_queues: [0],
    vnc_bind_address: ['localhost', '1.2.3', 'here'],
    vnc_password_file: ['secret'],
  };
  for (const [name, values] of Object.entries(wrong))
    it(`refuse what is wrong of ${name}, with the value and what would be right`, () => {
      for (const value of values) {
        const told = misfit({ acpi: true, [name]: value }, forms);
        assert.ok(told, `${name}=${value} is taken`);
        assert.ok(
          told.startsWith(`The parameter ${name} cannot be ${JSON.stringify(value)}: it must be `),
          told,
        );
      }
    });

  it('do not know parameters that have none, and tell no more than the beginning of a long value', () => {
    assert.equal(misfit({ kernel_args: 'anything', __proto__: 1, constructor: 'x' }, forms), null);
    assert.ok((misfit({ disk_type: 'x'.repeat(10_000) }, forms) ?? '').length < 400);
  });
});
