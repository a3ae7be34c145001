import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coreEnvironment, instanceEnvironment } from '../../../lib/node/os/environment.ts';
import { fileDisk, instanceTarget } from '../helpers.ts';

const PATH = '/sbin:/bin:/usr/sbin:/usr/bin';

describe('environment of OS scripts', () => {
  it('has the variables of the interface and nothing of the worker', () => {
    const osparams = { dhcp: 'yes', 'root-size': '8' };
    assert.deepEqual(
      coreEnvironment({ apiVersion: 20, osName: 'debian', variant: 'minimal', osparams, debug: 1 }),
      {
        PATH,
        OS_API_VERSION: '20',
        OS_NAME: 'debian',
        OS_VARIANT: 'minimal',
        DEBUG_LEVEL: '1',
        OSP_DHCP: 'yes',
        OSP_ROOT_SIZE: '8',
      },
    );
    const bare = coreEnvironment({ apiVersion: 10, osName: 'noop', variant: '', osparams: {}, debug: 0 });
    assert.deepEqual(bare, { PATH, OS_API_VERSION: '10', OS_NAME: 'noop', OS_VARIANT: '', DEBUG_LEVEL: '0' });
  });

  it('describes the instance, its disks and its NICs', () => {
    const nicparams = { mode: 'bridged', link: 'br0', vlan: '' };
    const instance = instanceTarget({
      os: 'debian+minimal',
      hypervisor: 'kvm',
      hvparams: { disk_type: 'paravirtual', nic_type: 'e1000', acpi: true, kernel_path: '', cpu_mask: null },
      disks: [
        { ...fileDisk('/disks/0', 1024), name: 'root', uuid: 'd0' },
        { ...fileDisk('', 512), dev_type: 'plain', logical_id: ['vg', 'lv'], mode: 'ro', uuid: 'd1' },
      ],
      nics: [
        { uuid: 'n0', name: 'lan', mac: 'aa:00:00:00:00:01', ip: '192.0.2.1', nicparams },
        {
          uuid: 'n1',
          name: null,
          mac: 'aa:00:00:00:00:02',
          ip: null,
          nicparams: { ...nicparams, mode: 'routed' },
        },
        {
          ...{ uuid: 'n2', name: null, mac: 'aa:00:00:00:00:03', ip: null },
          nicparams: { mode: 'openvswitch', link: 'sw0', vlan: '.100' },
          network: {
            ...{ name: 'lan', uuid: 'net0', network: '192.0.2.0/24', gateway: '192.0.2.1' },
            ...{ network6: '2001:db8::/64', gateway6: null, mac_prefix: 'aa:11:22', tags: ['one', 'two'] },
          },
        },
      ],
    });
    const environment = instanceEnvironment(instance, ['/real/0', '/dev/vg/lv']);
    const isParameter = (name: string) => /^INSTANCE_(BE|HV)_/.test(name);
    const entries = Object.entries(environment);
    assert.deepEqual(Object.fromEntries(entries.filter(([name]) => !isParameter(name))), {
      INSTANCE_NAME: 'web.example.com',
      INSTANCE_UUID: 'uuid-of-web.example.com',
      INSTANCE_OS: 'debian+minimal',
      HYPERVISOR: 'kvm',
      DISK_COUNT: '2',
      DISK_0_PATH: '/real/0',
      DISK_0_ACCESS: 'rw',
      DISK_0_UUID: 'd0',
      DISK_0_NAME: 'root',
      DISK_0_SIZE: '1024',
      DISK_0_FRONTEND_TYPE: 'paravirtual',
      DISK_0_BACKEND_TYPE: 'file:loop',
      DISK_1_PATH: '/dev/vg/lv',
      DISK_1_ACCESS: 'ro',
      DISK_1_UUID: 'd1',
      DISK_1_SIZE: '512',
      DISK_1_FRONTEND_TYPE: 'paravirtual',
      DISK_1_BACKEND_TYPE: 'block',
      NIC_COUNT: '3',
      NIC_0_MAC: 'aa:00:00:00:00:01',
      NIC_0_UUID: 'n0',
      NIC_0_NAME: 'lan',
      NIC_0_IP: '192.0.2.1',
      NIC_0_MODE: 'bridged',
      NIC_0_BRIDGE: 'br0',
      NIC_0_LINK: 'br0',
      NIC_0_FRONTEND_TYPE: 'e1000',
      NIC_1_MAC: 'aa:00:00:00:00:02',
      NIC_1_UUID: 'n1',
      NIC_1_MODE: 'routed',
      NIC_1_LINK: 'br0',
      NIC_1_FRONTEND_TYPE: 'e1000',
      NIC_2_MAC: 'aa:00:00:00:00:03',
      NIC_2_UUID: 'n2',
      NIC_2_MODE: 'openvswitch',
      NIC_2_LINK: 'sw0',
      NIC_2_VLAN: '.100',
      NIC_2_FRONTEND_TYPE: 'e1000',
      NIC_2_NETWORK_NAME: 'lan',
      NIC_2_NETWORK_UUID: 'net0',
      NIC_2_NETWORK_SUBNET: '192.0.2.0/24',
      NIC_2_NETWORK_GATEWAY: '192.0.2.1',
      NIC_2_NETWORK_SUBNET6: '2001:db8::/64',
      NIC_2_NETWORK_MAC_PREFIX: 'aa:11:22',
      NIC_2_NETWORK_TAGS: 'one two',
    });
    assert.deepEqual(Object.fromEntries(entries.filter(([name]) => isParameter(name))), {
      INSTANCE_BE_minmem: '128',
      INSTANCE_BE_maxmem: '256',
      INSTANCE_BE_vcpus: '2',
      INSTANCE_BE_auto_balance: 'True',
      INSTANCE_BE_always_failover: 'False',
      INSTANCE_BE_spindle_use: '1',
      INSTANCE_HV_disk_type: 'paravirtual',
      INSTANCE_HV_nic_type: 'e1000',
      INSTANCE_HV_acpi: 'True',
      INSTANCE_HV_kernel_path: '',
      INSTANCE_HV_cpu_mask: 'None',
    });
  });

  it('has no device types where the hypervisor has none', () => {
    const environment = instanceEnvironment(instanceTarget({ disks: [fileDisk('/disks/0')] }), ['/disks/0']);
    assert.deepEqual(
      Object.keys(environment).filter((name) => name.includes('FRONTEND')),
      [],
    );
  });
});
