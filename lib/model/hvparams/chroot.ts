import type { HypervisorParams } from './define.ts';

/** The parameters of the hypervisor `chroot`: names, kinds and defaults as in Ganeti 3.0. */
export const chroot: HypervisorParams = {
  kinds: {
    init_script: 'string',
  },
  defaults: {
    init_script: '/ganeti-chroot',
  },
};
