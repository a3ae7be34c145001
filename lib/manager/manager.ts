import { Rights } from '../access/rights.ts';
import type { Manager } from './define.ts';
import { jobSide } from './jobs.ts';
import { objectSide } from './objects.ts';
import type { ManagerParts, Side } from './parts.ts';

/** The manager of one cluster. Every function asks the policy before it does anything, for whichever surface calls it. */
export function createManager({ policy, ...parts }: ManagerParts): Manager {
  const { store } = parts;
  const side: Side = { ...parts, rightsOf: (principal) => new Rights(policy, principal, store.view) };
  return {
    scope: (principal, action) => side.rightsOf(principal).scope(action),
    ...objectSide(side),
    ...jobSide(side),
  };
}
