import type { HypervisorParams } from './define.ts';
import { oneOf } from './forms.ts';

/** The parameters of the hypervisor `fake`: names, kinds and defaults as in Ganeti 3.0. */
export const fake: HypervisorParams = {
  forms: {
    migration_mode: oneOf(['live', 'non-live']),
  },
  kinds: {
    migration_mode: 'string',
  },
  defaults: {
    migration_mode: 'live',
  },
};
