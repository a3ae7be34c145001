import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  fillBeParams,
  fillHvParams,
  fillIPolicy,
  fillNdParams,
  fillNicParams,
  fillOsParams,
  instanceHvParams,
} from '../../lib/model/fill.ts';
import { hypervisorParams } from '../../lib/model/hvparams/index.ts';
import { ipolicyDefaults } from '../../lib/model/ipolicy.ts';
import { aCluster, aGroup, anInstance } from '../helpers/view.ts';

describe('filling parameter sets', () => {
  it('takes hypervisor parameters from the cluster, then the OS, then the instance', () => {
    const cluster = aCluster({
      os_hvp: { debian: { kvm: { kernel_args: 'os', boot_order: 'network', acpi: false } } },
    });
    const own = { boot_order: 'cdrom' };
    const filled = fillHvParams(cluster, 'kvm', 'debian', own);
    assert.deepEqual(filled, {
      ...hypervisorParams.kvm.defaults,
      kernel_args: 'os',
      acpi: false,
      boot_order: 'cdrom',
    });
    assert.deepEqual(fillHvParams(cluster, 'kvm', 'other', {}), hypervisorParams.kvm.defaults);
    assert.deepEqual(fillHvParams(cluster, 'fake', 'debian', {}), hypervisorParams.fake.defaults);
    const instance = anInstance('web', { hypervisor: 'kvm', os: 'debian', hvparams: own });
    assert.deepEqual(instanceHvParams(cluster, instance), filled);
  });

  it('takes OS parameters from the OS, then its variant, then the instance', () => {
    const cluster = aCluster({
      osparams: { debian: { a: 'os', b: 'os', c: 'os' }, 'debian+small': { b: 'variant', c: 'variant' } },
    });
    const own = { c: 'own', d: 'own' };
    assert.deepEqual(fillOsParams(cluster, 'debian+small', own), {
      a: 'os',
      b: 'variant',
      c: 'own',
      d: 'own',
    });
    assert.deepEqual(fillOsParams(cluster, 'debian', own), { a: 'os', b: 'os', c: 'own', d: 'own' });
    assert.deepEqual(fillOsParams(cluster, 'other', own), own);
  });

  it('takes node parameters from the cluster, then the group, then the node', () => {
    const cluster = aCluster();
    const group = aGroup({ ndparams: { ssh_port: 2200, spindle_count: 4 } });
    assert.deepEqual(fillNdParams(cluster, group, { spindle_count: 8 }), {
      ...cluster.ndparams,
      ssh_port: 2200,
      spindle_count: 8,
    });
    assert.deepEqual(fillNdParams(cluster, undefined), cluster.ndparams);
  });

  it('takes backend and NIC parameters from the cluster, then the instance', () => {
    const cluster = aCluster();
    assert.deepEqual(fillBeParams(cluster, { maxmem: 512 }), { ...cluster.beparams, maxmem: 512 });
    assert.deepEqual(fillNicParams(cluster, { nicparams: { link: 'br1' } }), {
      mode: 'bridged',
      link: 'br1',
      vlan: '',
    });
  });

  it('takes the policy from the cluster, then the group', () => {
    assert.deepEqual(fillIPolicy(ipolicyDefaults, { 'vcpu-ratio': 2 }), {
      ...ipolicyDefaults,
      'vcpu-ratio': 2,
    });
  });

  it('changes none of its inputs', () => {
    const cluster = aCluster({ os_hvp: { debian: { fake: { migration_mode: 'non-live' } } } });
    const before = structuredClone(cluster);
    const filled = fillHvParams(cluster, 'fake', 'debian', {});
    filled.migration_mode = 'changed';
    assert.deepEqual(cluster, before);
  });
});
