import type { ParamKinds, ParamValues } from '../enforce.ts';
import type { ValueForm } from './forms.ts';

/** The parameter set of one hypervisor: what its parameters are, and their values where nobody sets them. */
export interface HypervisorParams {
  kinds: ParamKinds;
  defaults: ParamValues;
  /** What values must look like beyond their kinds, where that is known. */
  forms?: Readonly<Record<string, ValueForm>>;
}
