import { chroot } from './chroot.ts';
import type { HypervisorParams } from './define.ts';
import { fake } from './fake.ts';
import { kvm } from './kvm.ts';
import { lxc } from './lxc.ts';
import { xenHvm } from './xen-hvm.ts';
import { xenPvm } from './xen-pvm.ts';

/** All hypervisors that Ganeti 3.0 names. */
export const hypervisors = ['chroot', 'fake', 'kvm', 'lxc', 'xen-hvm', 'xen-pvm'] as const;
export type HypervisorName = (typeof hypervisors)[number];

/** The parameter set of each hypervisor. */
export const hypervisorParams: Readonly<Record<HypervisorName, HypervisorParams>> = {
  kvm,
  'xen-pvm': xenPvm,
  chroot,
  'xen-hvm': xenHvm,
  lxc,
  fake,
};

/** Parameters that belong to the cluster alone: an instance cannot set them. */
export const clusterOnlyHvParams: readonly string[] = [
  'migration_bandwidth',
  'migration_mode',
  'migration_port',
  'xen_cmd',
];
