// Validates the parameter sets that requests give (hvparams, beparams and others) and merges them into stored ones.
import { MerapiError } from '../base/errors.ts';
import { type BeParams, beParamKinds } from './beparams.ts';
import { DEFAULT_VALUE, enforceKinds, type ParamKinds, type ParamValues } from './enforce.ts';
import { misfit } from './hvparams/forms.ts';
import { clusterOnlyHvParams, type HypervisorName, hypervisorParams, hypervisors } from './hvparams/index.ts';

/**
 * The values that a request sets for a new object, converted to their types; values of "default" are left out.
 * @throws MerapiError type_enforcement
 */
export function ownValues(given: ParamValues, kinds: ParamKinds): ParamValues {
  const values = Object.entries(enforceKinds(given, kinds));
  return Object.fromEntries(values.filter(([, value]) => value !== DEFAULT_VALUE));
}

/**
 * A stored parameter set with the values of a request merged in; "default" removes a value, so that it is inherited again.
 * @throws MerapiError type_enforcement
 */
export function updatedValues(before: ParamValues, given: ParamValues, kinds: ParamKinds): ParamValues {
  const enforced = Object.entries(enforceKinds(given, kinds));
  const after = { ...before };
  for (const [name, value] of enforced) {
    if (value === DEFAULT_VALUE) delete after[name];
    else after[name] = value;
  }
  return after;
}

/**
 * The backend parameters that a request sets, converted to their types; `memory` sets minmem and maxmem.
 * @throws MerapiError type_enforcement, wrong_input
 */
export function ownBeParams(given: ParamValues): Partial<BeParams> {
  const { memory, ...rest } = given;
  const both = memory === undefined ? {} : { minmem: memory, maxmem: memory };
  return enforceKinds({ ...both, ...rest }, beParamKinds, true) as Partial<BeParams>;
}

/** Checks complete backend parameters against each other. @throws MerapiError wrong_input */
export function checkBeParams(params: BeParams): void {
  if (params.minmem > params.maxmem)
    throw new MerapiError(
      'wrong_input',
      `minmem (${params.minmem} MiB) is more than maxmem (${params.maxmem} MiB)`,
    );
  for (const name of ['minmem', 'vcpus'] as const)
    if (params[name] < 1)
      throw new MerapiError('wrong_input', `${name} must be at least 1, not ${params[name]}`);
}

/** Refuses parameters that only other hypervisors have. @throws MerapiError hypervisor */
export function checkOfHypervisor(hypervisor: HypervisorName, given: ParamValues): void {
  for (const name of Object.keys(given)) {
    const owners = hypervisors.filter((each) => Object.hasOwn(hypervisorParams[each].kinds, name));
    if (owners.length > 0 && !owners.includes(hypervisor))
      throw new MerapiError(
        'hypervisor',
        `Parameter '${name}' belongs to ${owners.join(', ')}, not to the hypervisor ${hypervisor}`,
      );
  }
}

/**
 * The hypervisor parameters that a request sets for an instance, converted to their types.
 * @throws MerapiError type_enforcement, hypervisor, or wrong_input for a parameter that only the cluster can set
 */
export function ownHvParams(hypervisor: HypervisorName, given: ParamValues): ParamValues {
  checkOfHypervisor(hypervisor, given);
  const own = enforceKinds(given, hypervisorParams[hypervisor].kinds, true);
  checkHvForms(hypervisor, own);
  const foreign = Object.keys(own).filter((name) => clusterOnlyHvParams.includes(name));
  if (foreign.length > 0)
    throw new MerapiError('wrong_input', `Only the cluster can set ${foreign.join(', ')}, not an instance`);
  return own;
}

/** Refuses Ganeti's `hv_state` and `disk_state`: Merapi gets the resources of a node from the node. @throws MerapiError wrong_input */
export function refuseStates(params: { hv_state: unknown; disk_state: unknown }): void {
  if (hasContent(params.hv_state) || hasContent(params.disk_state))
    throw new MerapiError(
      'wrong_input',
      'hv_state and disk_state are not supported: nodes report their resources themselves; leave them out',
    );
}

const hasContent = (states: unknown) => states !== null && Object.keys(states as object).length > 0;

/** Checks values against the forms that the hypervisor accepts. @throws MerapiError hypervisor, naming the first wrong value */
export function checkHvForms(hypervisor: HypervisorName, values: ParamValues): void {
  const problem = misfit(values, hypervisorParams[hypervisor].forms ?? {});
  if (problem !== null) throw new MerapiError('hypervisor', problem);
}

/** The values with these names that exist. */
export function pick(values: ParamValues, names: readonly string[]): ParamValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}
