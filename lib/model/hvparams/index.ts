import { chroot } from './chroot.ts';
import type { HypervisorParams } from './define.ts';
import { fake } from './fake.ts';
import { kvm } from './kvm.ts';
import { lxc } from './lxc.ts';
import { xenHvm } from './xen-hvm.ts';
import { xenPvm } from './xen-pvm.ts';

/** All hypervisors of Ganeti 3.0. Merapi has drivers for kvm and fake; the others only have their parameters. */
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

/** Parameters that only the cluster can set, and not an instance (HVC_GLOBALS of Ganeti). */
export const clusterOnlyHvParams: readonly string[] = [
  'migration_bandwidth',
  'migration_mode',
  'migration_port',
  'xen_cmd',
];
