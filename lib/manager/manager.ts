// Puts the manager together: one group of functions for objects, one for jobs, one for changes without a job. A Rights object is
// created for each call, so that it applies to the current state of the cluster.
import { Rights } from '../access/rights.ts';
import type { Manager } from './define.ts';
import { guestFunctions } from './guests.ts';
import { jobFunctions } from './jobs.ts';
import { metadataFunctions } from './metadata.ts';
import { objectFunctions } from './objects.ts';
import type { ManagerContext, ManagerDependencies } from './parts.ts';

/** Creates the manager of one cluster. Every function checks the policy before it does anything else, whichever surface calls it. */
export function createManager({ policy, ...dependencies }: ManagerDependencies): Manager {
  const { store } = dependencies;
  const context: ManagerContext = {
    ...dependencies,
    rightsOf: (principal) => new Rights(policy, principal, store.view),
  };
  return {
    scope: (principal, action) => context.rightsOf(principal).scope(action),
    ...objectFunctions(context),
    ...jobFunctions(context),
    ...metadataFunctions(context),
    ...guestFunctions(context),
  };
}
