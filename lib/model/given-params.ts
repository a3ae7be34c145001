import { MerapiError } from '../base/errors.ts';
import { type BeParams, beParamKinds } from './beparams.ts';
import { DEFAULT_VALUE, enforceKinds, type ParamKinds, type ParamValues } from './enforce.ts';
import { misfit } from './hvparams/forms.ts';
import { clusterOnlyHvParams, type HypervisorName, hypervisorParams, hypervisors } from './hvparams/index.ts';

/**
 * What a request for something new sets itself of a parameter set, in the proper types; the value "default" sets nothing.
 * @throws MerapiError type_enforcement
 */
export function ownValues(given: ParamValues, kinds: ParamKinds): ParamValues {
  const values = Object.entries(enforceKinds(given, kinds));
  return Object.fromEntries(values.filter(([, value]) => value !== DEFAULT_VALUE));
}

/**
 * A parameter set changed by what a request gives; the value "default" takes one away, so that it is inherited again.
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
 * The backend parameters that a request sets, in their proper types; `memory` sets minmem and maxmem.
 * @throws MerapiError type_enforcement, wrong_input
 */
export function ownBeParams(given: ParamValues): Partial<BeParams> {
  const { memory, ...rest } = given;
  const both = memory === undefined ? {} : { minmem: memory, maxmem: memory };
  return enforceKinds({ ...both, ...rest }, beParamKinds, true) as Partial<BeParams>;
}

/** @throws MerapiError wrong_input when filled backend parameters contradict each other */
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

/** @throws MerapiError hypervisor for a parameter that only other hypervisors have */
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
 * The hypervisor parameters that a request sets, in their proper types.
 * @throws MerapiError type_enforcement, hypervisor, or wrong_input for a parameter of the cluster alone
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

/** @throws MerapiError wrong_input for the resource states of Ganeti, which Merapi does not have: it asks the nodes */
export function refuseStates(params: { hv_state: unknown; disk_state: unknown }): void {
  if (hasContent(params.hv_state) || hasContent(params.disk_state))
    throw new MerapiError(
      'wrong_input',
      'hv_state and disk_state are not supported: nodes tell what they have themselves',
    );
}

const hasContent = (states: unknown) => states !== null && Object.keys(states as object).length > 0;

/** @throws MerapiError hypervisor naming the first value that the hypervisor could not take anywhere */
export function checkHvForms(hypervisor: HypervisorName, values: ParamValues): void {
  const problem = misfit(values, hypervisorParams[hypervisor].forms ?? {});
  if (problem !== null) throw new MerapiError('hypervisor', problem);
}

/** The values with these names, as far as there are any. */
export function pick(values: ParamValues, names: readonly string[]): ParamValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}
