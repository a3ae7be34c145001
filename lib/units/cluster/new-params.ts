// Parameter sets of the cluster after a request. Each function takes the set as it was and what the request gives, and returns the new
// set. The cluster is the last level of inheritance, so here "default" cannot remove a value (see given()), except for OS parameters.

import { MerapiError } from '../../base/errors.ts';
import { stringifyJson } from '../../base/json.ts';
import { faultTexts } from '../../base/schema-words.ts';
import type { Seal } from '../../base/seal.ts';
import { type BeParams, beParamKinds } from '../../model/beparams.ts';
import type { Cluster } from '../../model/cluster.ts';
import { DEFAULT_VALUE, enforceKinds, type ParamValues } from '../../model/enforce.ts';
import {
  checkBeParams,
  checkHvForms,
  checkOfHypervisor,
  pick,
  updatedValues,
} from '../../model/given-params.ts';
import { type HypervisorName, hypervisorParams } from '../../model/hvparams/index.ts';
import { IPolicy, ispecNames, policyNumbers } from '../../model/ipolicy.ts';
import { ndParamKinds } from '../../model/ndparams.ts';
import { type NicParams, nicModes, nicParamKinds } from '../../model/nic.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import { openOsParams } from '../checks/os.ts';

/** Parameter sets by the name of a hypervisor or an OS. */
type Sets = Record<string, ParamValues>;
const wrong = (text: string) => new MerapiError('wrong_input', text);

/** The name of a hypervisor that exists. @throws MerapiError hypervisor */
function hypervisorNamed(hypervisor: string): HypervisorName {
  if (!Object.hasOwn(hypervisorParams, hypervisor))
    throw new MerapiError(
      'hypervisor',
      `There is no hypervisor '${hypervisor}'; there are ${Object.keys(hypervisorParams).join(', ')}`,
    );
  return hypervisor as HypervisorName;
}

/**
 * Returns the values that a request gives. The cluster inherits from nothing, so "default" is refused.
 * @throws MerapiError wrong_input
 */
function given(values: ParamValues): ParamValues {
  const defaults = Object.entries(values).filter(([, value]) => value === DEFAULT_VALUE);
  if (defaults.length > 0) {
    const names = defaults.map(([name]) => name).join(', ');
    throw wrong(`${names}: the cluster has nothing to inherit from, so give a value instead of "default"`);
  }
  return values;
}

/** Checks the new values of the parameters that a request gives. @throws MerapiError hypervisor */
function checkGiven(hypervisor: string, request: ParamValues, after: ParamValues): void {
  checkHvForms(hypervisorNamed(hypervisor), pick(after, Object.keys(request)));
}

/** Hypervisor parameters after a request. @throws MerapiError wrong_input, type_enforcement */
export function newHvParams(before: Cluster['hvparams'], request: Sets): Cluster['hvparams'] {
  const after: Sets = { ...before };
  for (const [hypervisor, values] of Object.entries(request)) {
    const { kinds, defaults } = hypervisorParams[hypervisorNamed(hypervisor)];
    checkOfHypervisor(hypervisorNamed(hypervisor), values);
    // For some parameters, such as the cache of disks, the word "default" is an ordinary value.
    const isWord = (name: string) => values[name] === DEFAULT_VALUE && defaults[name] === DEFAULT_VALUE;
    const words = Object.fromEntries(Object.entries(values).filter(([name]) => isWord(name)));
    const rest = Object.fromEntries(Object.entries(values).filter(([name]) => !isWord(name)));
    after[hypervisor] = { ...updatedValues(after[hypervisor] ?? {}, given(rest), kinds), ...words };
    checkGiven(hypervisor, values, after[hypervisor]);
  }
  return after as Cluster['hvparams'];
}

/**
 * Hypervisor parameters by OS after a request: null removes the set of a hypervisor, and "default" a value. Empty sets are removed.
 * @throws MerapiError wrong_input, type_enforcement, hypervisor
 */
export function newOsHvp(before: Cluster['os_hvp'], request: Record<string, ParamValues>): Cluster['os_hvp'] {
  const after: Cluster['os_hvp'] = { ...before };
  for (const [os, sets] of Object.entries(request)) {
    const own: Sets = { ...after[os] };
    for (const [hypervisor, values] of Object.entries(sets)) {
      const { kinds } = hypervisorParams[hypervisorNamed(hypervisor)];
      if (values === null) delete own[hypervisor];
      else if (typeof values !== 'object') throw wrong(`os_hvp of ${os}: ${hypervisor} must be a dictionary`);
      else {
        checkOfHypervisor(hypervisorNamed(hypervisor), values as ParamValues);
        own[hypervisor] = updatedValues(own[hypervisor] ?? {}, values as ParamValues, kinds);
        checkGiven(hypervisor, values as ParamValues, own[hypervisor]);
      }
    }
    const used = Object.entries(own).filter(([, values]) => Object.keys(values).length > 0);
    if (used.length > 0) after[os] = Object.fromEntries(used);
    else delete after[os];
  }
  return after;
}

/** Backend parameters of a request as its job shows them: in their proper types, `memory` as minmem and maxmem. @throws MerapiError type_enforcement */
export function shownBeParams(request: ParamValues): ParamValues {
  const { memory, ...rest } = request;
  const both = memory === undefined ? {} : { minmem: memory, maxmem: memory };
  return enforceKinds({ ...both, ...rest }, beParamKinds);
}

/** Backend parameters after a request (see shownBeParams). @throws MerapiError wrong_input, type_enforcement */
export function newBeParams(before: BeParams, request: ParamValues): BeParams {
  const old = before as unknown as ParamValues;
  const after = updatedValues(old, given(request), beParamKinds) as unknown as BeParams;
  checkBeParams(after);
  return after;
}

/** Node parameters after a request. @throws MerapiError wrong_input, type_enforcement */
export function newNdParams(before: ParamValues, request: ParamValues): ParamValues {
  return updatedValues(before, given(request), ndParamKinds);
}

/** NIC parameters after a request. @throws MerapiError wrong_input, type_enforcement */
export function newNicParams(before: NicParams, request: Readonly<Record<string, unknown>>): NicParams {
  const values = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
  const after = updatedValues(
    before as unknown as ParamValues,
    given(values),
    nicParamKinds,
  ) as unknown as NicParams;
  if (!nicModes.includes(after.mode as never))
    throw wrong(`There is no NIC mode '${after.mode}'; there are ${nicModes.join(', ')}`);
  if (after.mode === 'bridged' && after.link === '') throw wrong('Bridged NICs need a link');
  return after;
}

/** Checks disk parameters that a request gives. @throws MerapiError wrong_input for "default" */
export function checkDiskParams(request: Partial<Record<DiskTemplate, ParamValues>>): void {
  for (const values of Object.values(request)) given(values);
}

/** OS parameters by OS after a request: null, an empty text or "default" removes one. */
export function newOsParams(before: Sets, request: Sets): Sets {
  const after: Sets = { ...before };
  for (const [os, values] of Object.entries(request)) {
    const own = Object.entries({ ...after[os], ...values }).filter(
      ([, value]) => value !== null && value !== '' && value !== DEFAULT_VALUE,
    );
    if (own.length > 0) after[os] = Object.fromEntries(own);
    else delete after[os];
  }
  return after;
}

/** Private OS parameters by OS after a request, sealed for the store; null when there are none. */
export function newPrivateOsParams(seal: Seal, cluster: Cluster, request: Sets): string | null {
  const after = newOsParams(openOsParams(seal, cluster.osparams_private), request);
  return Object.keys(after).length === 0 ? null : seal.close(stringifyJson(after));
}

/** The instance policy after a request. @throws MerapiError wrong_input */
export function newPolicy(before: IPolicy, given: Readonly<Record<string, unknown>>): IPolicy {
  const request = policyNumbers(given);
  const std = { ...before.std, ...(request.std as object | undefined) };
  const after = { ...before, ...request, ...(request.std ? { std } : {}) };
  const policy = IPolicy.safeParse(after);
  if (!policy.success)
    throw wrong(
      `The instance policy is invalid: ${faultTexts(IPolicy, policy.error.issues, after).join('; ')}`,
    );
  const { minmax, std: usual } = policy.data;
  const fits = minmax.some(({ min, max }) =>
    ispecNames.every((name) => min[name] <= usual[name] && usual[name] <= max[name]),
  );
  if (!fits) throw wrong('The instance policy is invalid: std is not within the bounds of any minmax');
  return policy.data;
}
