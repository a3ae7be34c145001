import type { HypervisorName } from './hvparams/index.ts';

/** The range of TCP ports that the cluster assigns to consoles and mirrored disks; Ganeti's range. */
export const FIRST_PORT = 11_000;
export const LAST_PORT = 14_999;

/** Whether instances of a hypervisor need a port of the cluster for their console. */
export function hasConsolePort(hypervisor: HypervisorName): boolean {
  return hypervisor === 'kvm' || hypervisor === 'xen-hvm';
}
