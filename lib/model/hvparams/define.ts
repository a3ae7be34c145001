import type { ParamKinds, ParamValues } from '../enforce.ts';
import type { ValueForm } from './forms.ts';

/** The parameter set of one hypervisor: its parameters, and Ganeti's default of each. */
export interface HypervisorParams {
  kinds: ParamKinds;
  defaults: ParamValues;
  /** Restrictions beyond the kinds. Parameters without one accept every value of their kind. */
  forms?: Readonly<Record<string, ValueForm>>;
}
