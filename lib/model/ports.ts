import type { HypervisorName } from './hvparams/index.ts';

/** The TCP ports of the cluster, for consoles and mirrored disks: the first and the last one. */
export const FIRST_PORT = 11_000;
export const LAST_PORT = 14_999;

/** Whether instances of a hypervisor have a port of the cluster, for their console. */
export function hasConsolePort(hypervisor: HypervisorName): boolean {
  return hypervisor === 'kvm' || hypervisor === 'xen-hvm';
}
