import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { kvm } from '../../../../lib/model/hvparams/kvm.ts';
import { type CommandInput, commandLine } from '../../../../lib/node/hypervisors/kvm/command.ts';
import { chooseAccelerator } from '../../../../lib/node/hypervisors/kvm/machine.ts';
import { readParams, shellWords, unsupported } from '../../../../lib/node/hypervisors/kvm/params.ts';
import { socketsOf } from '../../../../lib/node/hypervisors/kvm/sockets.ts';
import type { NicTarget } from '../../../../lib/rpc/types.ts';
import { fileDisk } from '../../helpers.ts';
import { kvmInstance } from '../kvm-helpers.ts';

const nic: NicTarget = {
  uuid: 'nic',
  name: null,
  mac: 'aa:00:00:12:34:56',
  ip: null,
  nicparams: { mode: 'bridged', link: 'br0', vlan: '' },
};

function input(hvparams: Record<string, unknown> = {}, changes: Partial<CommandInput> = {}): CommandInput {
  const instance = kvmInstance('web.example.com', { hvparams, nics: [nic] });
  return {
    instance,
    params: readParams(instance),
    accelerator: 'tcg',
    disks: [{ path: '/disks/web,1', block: false }],
    taps: ['mt0'],
    sockets: socketsOf('/var/guest'),
    pidFile: '/var/guest/pid',
    serialLog: '/var/guest/serial.log',
    ...changes,
  };
}

/** How QEMU's names of the disk of input() and of another one end. */
const [disk, diskA] = ['web.example.com', 'a'].map(
  (name) => `disk-${fileDisk(`/disks/${name}`).uuid.slice(0, 23)}`,
);

/** The values that follow each use of an option. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((word, index) => (word === option ? [args[index + 1] as string] : []));
}

const build = (hvparams: Record<string, unknown> = {}, changes: Partial<CommandInput> = {}) =>
  commandLine(input(hvparams, changes));
const devices = (hvparams: Record<string, unknown> = {}) => valuesOf(build(hvparams), '-device');

describe('the command line of a kvm guest', () => {
  it('names the guest and holds it until it is told to run', () => {
    const args = build();
    assert.deepEqual(valuesOf(args, '-name'), ['web.example.com']);
    assert.deepEqual(valuesOf(args, '-machine'), ['pc,accel=tcg']);
    assert.deepEqual([valuesOf(args, '-m'), valuesOf(args, '-smp')], [['16M'], ['1']]);
    for (const option of ['-nodefaults', '-no-user-config', '-S', '-no-shutdown'])
      assert.ok(args.includes(option));
    assert.ok(!args.includes('-kernel'));
  });

  it('gives a disk by its path, whatever letters are in it', () => {
    const [node] = valuesOf(build(), '-blockdev').map((text) => JSON.parse(text));
    assert.equal(node.file.filename, '/disks/web,1');
    assert.deepEqual([node.driver, node.file.driver, node['read-only']], ['raw', 'file', false]);
    assert.ok(devices().includes(`virtio-blk-pci,drive=${disk},id=dev-${disk},bootindex=1`));
  });

  it('honours the parameters of disks', () => {
    const hvparams = { disk_type: 'scsi-hd', disk_cache: 'none', disk_aio: 'native', disk_discard: 'unmap' };
    const base = input(hvparams);
    const disks = [{ ...fileDisk('/disks/a'), mode: 'ro' as const }];
    const args = commandLine({
      ...base,
      instance: { ...base.instance, disks },
      disks: [{ path: '/dev/x', block: true }],
    });
    const [node] = valuesOf(args, '-blockdev').map((text) => JSON.parse(text));
    assert.deepEqual(
      [node.file.driver, node.file.cache.direct, node.file.aio, node.discard, node['read-only']],
      ['host_device', true, 'native', 'unmap', true],
    );
    const all = valuesOf(args, '-device');
    assert.ok(all.indexOf('lsi,id=scsi') < all.indexOf(`scsi-hd,drive=${diskA},id=dev-${diskA},bootindex=1`));
    const through = devices({ disk_cache: 'writethrough' });
    assert.ok(
      through.some((device) => device.includes(`drive=${disk}`) && device.includes('write-cache=off')),
    );
  });

  it('gives a NIC its fixed address, and a boot program only to boot from the network', () => {
    assert.deepEqual(valuesOf(build(), '-netdev'), ['tap,id=nic-nic,ifname=mt0,script=no,downscript=no']);
    const plain = 'virtio-net-pci,netdev=nic-nic,id=dev-nic-nic,mac=aa:00:00:12:34:56';
    assert.ok(devices().includes(`${plain},romfile=`));
    assert.ok(devices({ boot_order: 'network' }).includes(`${plain},bootindex=1`));
    assert.ok(devices({ nic_type: 'e1000' }).some((device) => device.startsWith('e1000,')));
  });

  it('boots a kernel given by path, with its console on the serial line', () => {
    const hvparams = {
      kernel_path: '/boot/k',
      initrd_path: '/boot/i',
      kernel_args: 'ro quiet',
      root_path: '/dev/vda1',
    };
    const args = build(hvparams);
    assert.deepEqual([valuesOf(args, '-kernel'), valuesOf(args, '-initrd')], [['/boot/k'], ['/boot/i']]);
    assert.deepEqual(valuesOf(args, '-append'), ['root=/dev/vda1 ro quiet console=ttyS0,38400']);
    const silent = build({ ...hvparams, root_path: null, serial_console: false });
    assert.deepEqual(valuesOf(silent, '-append'), ['ro quiet']);
    assert.deepEqual(valuesOf(silent, '-serial'), []);
  });

  it('follows the parameters of the machine', () => {
    const args = build({
      ...{ machine_version: 'q35,accel=kvm,smm=off', acpi: false, cpu_type: 'max', use_localtime: true },
      ...{ cpu_cores: 2, cpu_threads: 1, reboot_behavior: 'exit', kvm_extra: '-device "isa-debug-exit"' },
    });
    assert.deepEqual(valuesOf(args, '-machine'), ['q35,accel=tcg,smm=off,acpi=off']);
    assert.deepEqual(valuesOf(args, '-smp'), ['1,cores=2,threads=1']);
    assert.deepEqual([valuesOf(args, '-cpu'), valuesOf(args, '-rtc')], [['max'], ['base=localtime']]);
    assert.ok(args.includes('-no-reboot'));
    assert.deepEqual(args.slice(-2), ['-device', 'isa-debug-exit']);
  });

  it('has a screen only where the instance asks for one', () => {
    assert.deepEqual(valuesOf(build(), '-vga'), ['none']);
    assert.deepEqual(valuesOf(build(), '-vnc'), []);
    const socket = build({ vnc_bind_address: '/run/vnc', keymap: 'de', usb_mouse: 'tablet' });
    assert.deepEqual(valuesOf(socket, '-vnc'), ['unix:/run/vnc/web.example.com.vnc']);
    assert.deepEqual([valuesOf(socket, '-vga'), valuesOf(socket, '-k')], [['std'], ['de']]);
    assert.ok(valuesOf(socket, '-device').includes('usb-tablet'));
    const long = (folder: string) => {
      const { instance, ...rest } = input({ vnc_bind_address: folder });
      return commandLine({ ...rest, instance: { ...instance, name: 'n'.repeat(240), uuid: 'its-uuid' } });
    };
    assert.deepEqual(valuesOf(long('/run/vnc'), '-vnc'), ['unix:/run/vnc/its-uuid.vnc']);
    assert.throws(() => long(`/${'x'.repeat(107)}`), {
      code: 'hypervisor',
      message: /too long for a socket/,
    });
    const port = build({ vnc_bind_address: '::1', vnc_password_file: '/etc/secret', vga: 'virtio' });
    assert.deepEqual(valuesOf(port, '-vnc'), ['[::1]:0,to=99,password=on']);
    assert.deepEqual(valuesOf(port, '-vga'), ['virtio']);
    const own = commandLine({
      ...input({ vnc_bind_address: '0.0.0.0' }),
      instance: { ...input().instance, network_port: 11_005 },
    });
    assert.deepEqual(valuesOf(own, '-vnc'), ['0.0.0.0:5105'], 'the display of its own port');
  });

  it('has the drives, sound cards and boot order that are asked for', () => {
    const args = build({
      ...{ cdrom_image_path: '/iso/a.iso', cdrom2_image_path: 'https://example.com/b.iso' },
      ...{ floppy_image_path: '/f,1.img', boot_order: 'cdrom', soundhw: 'ac97,hda', usb_devices: 'keyboard' },
    });
    const nodes = valuesOf(args, '-blockdev').map((text) => JSON.parse(text));
    assert.deepEqual(
      nodes.slice(1).map(({ file }) => [file.driver, file.filename ?? file.url]),
      [
        ['file', '/iso/a.iso'],
        ['https', 'https://example.com/b.iso'],
      ],
    );
    const all = valuesOf(args, '-device');
    assert.ok(all.includes('ide-cd,drive=cdrom0,id=dev-cdrom0,bootindex=1'));
    assert.ok(all.includes(`virtio-blk-pci,drive=${disk},id=dev-${disk}`));
    for (const device of ['AC97,audiodev=sound', 'hda-duplex,audiodev=sound', 'usb-kbd'])
      assert.ok(all.includes(device));
    assert.deepEqual(valuesOf(args, '-drive'), ['if=floppy,format=raw,readonly=on,file=/f,,1.img']);
  });
});

describe('the parameters of kvm', () => {
  it('are refused by name where the driver cannot follow them', () => {
    assert.throws(
      () => readParams({ hvparams: { cpu_mask: '0-1', use_chroot: true } }),
      (error: Error) => {
        assert.equal((error as { code?: string }).code, 'hypervisor');
        assert.match(error.message, /cpu_mask.*use_chroot/);
        return true;
      },
    );
    const changed = (name: string) => {
      const value = kvm.defaults[name];
      return typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${value}x`;
    };
    assert.ok(unsupported.length > 10);
    for (const name of unsupported)
      assert.throws(() => readParams({ hvparams: { [name]: changed(name) } }), { code: 'hypervisor' }, name);
    readParams({ hvparams: kvm.defaults });
  });

  it('are refused with a list of what is possible where a value is unknown', () => {
    const wrong = {
      disk_type: 'pflash',
      nic_type: 'token',
      boot_order: 'tape',
      disk_aio: 'magic',
      usb_mouse: 'cat',
    };
    for (const [name, value] of Object.entries(wrong))
      assert.throws(() => build({ [name]: value }), {
        code: 'hypervisor',
        message: new RegExp(`${name} .*"${value}"`),
      });
    assert.throws(() => build({ soundhw: 'all' }), { code: 'hypervisor', message: /ac97/ });
    assert.throws(() => build({ usb_devices: 'serial' }), { code: 'hypervisor', message: /tablet/ });
    assert.throws(() => build({ kvm_extra: "-name 'x" }), { code: 'hypervisor', message: /not closed/ });
  });

  it('split kvm_extra as a shell does', () => {
    assert.deepEqual(shellWords(` a 'b c'"d \\"e" f\\ g '' `), ['a', 'b cd "e', 'f g', '']);
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
        assert.deepEqual(shellWords(quoted), words);
      }),
    );
  });
});

describe('the choice of an accelerator', () => {
  const probe = async () => 'tcg' as const;
  const never = async () => assert.fail('nothing is to be probed');
  const params = (hvparams: Record<string, unknown>) => readParams({ hvparams });

  it('follows the worker, then machine_version, then kvm_flag, then what works', async () => {
    const named = params({ machine_version: 'pc,accel=tcg', kvm_flag: 'enabled' });
    assert.equal(await chooseAccelerator(named, 'kvm', never), 'kvm');
    assert.equal(await chooseAccelerator(named, undefined, never), 'tcg');
    assert.equal(await chooseAccelerator(params({ kvm_flag: 'enabled' }), undefined, never), 'kvm');
    assert.equal(await chooseAccelerator(params({ kvm_flag: 'disabled' }), undefined, never), 'tcg');
    assert.equal(await chooseAccelerator(params({}), undefined, probe), 'tcg');
    const either = params({ machine_version: 'q35,accel=kvm:tcg', kvm_flag: 'enabled' });
    assert.equal(await chooseAccelerator(either, undefined, probe), 'tcg');
  });

  it('refuses what QEMU could not do here', async () => {
    const wrong = params({ machine_version: 'pc,accel=hvf' });
    await assert.rejects(chooseAccelerator(wrong, undefined, never), { code: 'hypervisor', message: /hvf/ });
    await assert.rejects(chooseAccelerator(params({ kvm_flag: 'on' }), 'tcg', never), { code: 'hypervisor' });
  });
});
