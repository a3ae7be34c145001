import type { ParamKinds, ParamValues } from '../enforce.ts';

/** The parameter set of one hypervisor: what its parameters are, and their values where nobody sets them. */
export interface HypervisorParams {
  kinds: ParamKinds;
  defaults: ParamValues;
}
