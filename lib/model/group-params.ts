import { MerapiError } from '../base/errors.ts';
import { faultTexts } from '../base/schema-words.ts';
import type { Cluster } from './cluster.ts';
import { diskParamDefaults, diskParamKinds } from './diskparams/index.ts';
import { DEFAULT_VALUE, type ParamKinds, type ParamValues } from './enforce.ts';
import { updatedValues } from './given-params.ts';
import { PartialIPolicy, policyNumbers } from './ipolicy.ts';
import type { DiskTemplate } from './templates/index.ts';

/** The kinds of the parameters of one disk template. */
export function templateKinds(template: DiskTemplate): ParamKinds {
  const names = Object.keys(diskParamDefaults[template]);
  return Object.fromEntries(Object.entries(diskParamKinds).filter(([name]) => names.includes(name)));
}

/** Stored disk parameters, by template, with the values of a request merged in. @throws MerapiError type_enforcement */
export function updatedDiskParams<T extends Record<string, ParamValues>>(
  before: T,
  given: Record<string, ParamValues>,
): T {
  const after: Record<string, ParamValues> = { ...before };
  for (const [template, values] of Object.entries(given))
    after[template] = updatedValues(before[template] ?? {}, values, templateKinds(template as DiskTemplate));
  return after as T;
}

/** Whether a value removes a part of a group's policy, so that the cluster's applies again. */
function isRemoval(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 || (value.length === 1 && value[0] === DEFAULT_VALUE);
  return value === null || value === DEFAULT_VALUE;
}

/**
 * The parts of the instance policy that a group overrides, with those of a request merged in; "default" removes a part.
 * @throws MerapiError wrong_input, also when it allows a disk template that the cluster has not enabled
 */
export function updatedGroupPolicy(
  cluster: Cluster,
  before: PartialIPolicy,
  given: Record<string, unknown>,
): PartialIPolicy {
  const after: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(policyNumbers(given))) {
    if (isRemoval(value)) delete after[name];
    else after[name] = value;
  }
  const policy = PartialIPolicy.safeParse(after);
  if (!policy.success)
    throw new MerapiError(
      'wrong_input',
      `The instance policy is not right: ${faultTexts(PartialIPolicy, policy.error.issues, after).join('; ')}`,
    );
  const enabled = cluster.enabled_disk_templates;
  const templates = 'disk-templates' in given ? policy.data['disk-templates'] : [];
  const notEnabled = (templates ?? []).filter((template) => !enabled.includes(template));
  if (notEnabled.length > 0)
    throw new MerapiError(
      'wrong_input',
      `The instance policy allows ${notEnabled.join(', ')}; the cluster has only ${enabled.join(', ')}`,
    );
  return policy.data;
}
