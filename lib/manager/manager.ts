import { Rights } from '../access/rights.ts';
import type { Manager } from './define.ts';
import { jobFunctions } from './jobs.ts';
import { metadataFunctions } from './metadata.ts';
import { objectFunctions } from './objects.ts';
import type { ManagerContext, ManagerParts } from './parts.ts';

/** The manager of one cluster. Every function asks the policy before it does anything, for whichever surface calls it. */
export function createManager({ policy, ...parts }: ManagerParts): Manager {
  const { store } = parts;
  const context: ManagerContext = {
    ...parts,
    rightsOf: (principal) => new Rights(policy, principal, store.view),
  };
  return {
    scope: (principal, action) => context.rightsOf(principal).scope(action),
    ...objectFunctions(context),
    ...jobFunctions(context),
    ...metadataFunctions(context),
  };
}
