import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { StartCheck } from '../../../../lib/node/hypervisors/kvm/check.ts';
import { Resources } from '../../helpers.ts';
import { kvmInstance } from '../kvm-helpers.ts';

describe('what kvm checks before a guest is started', () => {
  const resources = new Resources();
  after(() => resources.close());
  let folder: string;
  before(async () => {
    folder = await resources.folder();
    await mkdir(join(folder, 'vnc'));
    for (const name of ['image.iso', 'floppy.img'])
      await writeFile(join(folder, name), Buffer.alloc(64 * 1024));
  });

  const check = new StartCheck(async () => 'tcg');
  const nic = (uuid: string) => ({
    ...{ uuid, name: null, mac: 'aa:00:00:00:00:01', ip: null },
    nicparams: { mode: 'bridged' as const, link: 'br7', vlan: '' },
  });

  it('takes guests that can be started, with devices of every kind', async () => {
    await check.check(kvmInstance('plain'));
    const hvparams = {
      ...{ machine_version: 'q35', cpu_type: 'qemu64,+ssse3', cpu_cores: 1, vga: 'cirrus', keymap: 'de' },
      ...{ disk_type: 'scsi-block', scsi_controller_type: 'virtio-scsi-pci', disk_cache: 'none' },
      ...{ cdrom_image_path: join(folder, 'image.iso'), cdrom2_image_path: 'http://192.0.2.1/a.iso' },
      ...{ cdrom_disk_type: 'ide', floppy_image_path: join(folder, 'floppy.img'), boot_order: 'network' },
      ...{ nic_type: 'e1000', soundhw: 'ac97,hda', usb_devices: 'keyboard usb-mouse', usb_mouse: 'tablet' },
      ...{ vnc_bind_address: join(folder, 'vnc'), use_localtime: true, acpi: false, serial_console: false },
      ...{ kvm_extra: "-device 'what is not tried'" },
    };
    const machine = { ...hvparams, machine_version: 'pc', floppy_image_path: '' };
    await check.check(kvmInstance('full', { nics: [nic('a'), nic('b')], hvparams: machine }));
    await check.check(kvmInstance('vnc', { hvparams: { vnc_bind_address: '127.0.0.1' } }));
  });

  const wrong: [string, Record<string, unknown>, RegExp][] = [
    [
      'a missing kernel',
      { kernel_path: '/no/kernel' },
      /^The kernel_path \/no\/kernel cannot .*no such file/,
    ],
    ['a missing initrd', { initrd_path: '/no/initrd' }, /^The initrd_path \/no\/initrd cannot/],
    [
      'a missing image',
      { cdrom_image_path: '/no/image.iso' },
      /^The cdrom_image_path \/no\/image.iso cannot/,
    ],
    ['a folder for an image', { cdrom2_image_path: '/tmp' }, /^The cdrom2_image_path \/tmp .*it is a folder/],
    ['a missing floppy', { floppy_image_path: '/no/floppy' }, /^The floppy_image_path /],
    ['a missing program', { kvm_path: '/no/qemu' }, /^The kvm_path \/no\/qemu cannot/],
    ['a program that is none', { kvm_path: '/etc/passwd' }, /^The kvm_path .*permission is denied/],
    ['a missing password', { vnc_password_file: '/no/password' }, /^The vnc_password_file /],
    ['missing memory', { mem_path: '/no/hugepages' }, /^The mem_path /],
    ['a missing folder', { vnc_bind_address: '/no/folder' }, /^The vnc_bind_address \/no\/folder cannot/],
    ['an address of others', { vnc_bind_address: '198.51.100.7' }, /does not have the address/],
    ['no image to boot from', { boot_order: 'cdrom' }, /no cdrom_image_path/],
    ['a quote without an end', { kvm_extra: "-device 'x" }, /kvm_extra/],
    ['a parameter that it does not follow', { cpu_mask: '1' }, /cpu_mask/],
    ['a disk type that it does not know', { disk_type: 'foo' }, /disk_type cannot be "foo"/],
    ['an unknown machine', { machine_version: 'pdp11' }, /unsupported machine type/],
    ['an unknown property of it', { machine_version: 'pc,wheels=4' }, /wheels/],
    ['an unknown processor', { cpu_type: 'abacus' }, /abacus/],
    ['impossible processors', { cpu_cores: 2, cpu_sockets: 3 }, /CPU topology/],
    ['an unknown keyboard', { keymap: 'zz' }, /zz/],
    ['an unknown USB device', { usb_devices: 'usb-toaster' }, /usb-toaster/],
    ['a file that is no kernel', { kernel_path: '/etc/passwd' }, /kernel/],
  ];
  for (const [what, hvparams, message] of wrong)
    it(`refuses ${what}, each time`, async () => {
      for (const _ of [1, 2])
        await assert.rejects(check.check(kvmInstance('web', { hvparams })), { code: 'hypervisor', message });
    });

  it('looks again at files that were there', async () => {
    const cdrom_image_path = join(folder, 'once.iso');
    await writeFile(cdrom_image_path, Buffer.alloc(64 * 1024));
    const web = kvmInstance('web', { hvparams: { cdrom_image_path, boot_order: 'cdrom' } });
    await check.check(web);
    await rm(cdrom_image_path);
    await assert.rejects(check.check(web), { code: 'hypervisor', message: /once\.iso/ });
  });
});
