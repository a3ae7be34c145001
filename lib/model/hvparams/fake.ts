import type { HypervisorParams } from './define.ts';

/** The parameters of the hypervisor `fake`: names, kinds and defaults as in Ganeti 3.0. */
export const fake: HypervisorParams = {
  kinds: {
    migration_mode: 'string',
  },
  defaults: {
    migration_mode: 'live',
  },
};
