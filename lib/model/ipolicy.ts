// Instance policies: the bounds for the size of instances of a cluster or group. Names, defaults and the rule (an instance must fit
// at least one `minmax` pair) are Ganeti's.
import * as z from 'zod';
import { enforceKinds, type ParamKinds } from './enforce.ts';
import { type DiskTemplate, diskTemplates, templates } from './templates/index.ts';

/** The quantities that an instance policy bounds; sizes in MiB. */
export const ispecNames = [
  'memory-size',
  'disk-size',
  'disk-count',
  'cpu-count',
  'nic-count',
  'spindle-use',
] as const;

/** The kind of each quantity in a request. */
const ispecKinds: ParamKinds = {
  'memory-size': 'size',
  'disk-size': 'size',
  'disk-count': 'int',
  'cpu-count': 'int',
  'nic-count': 'int',
  'spindle-use': 'int',
};

const ISpec = z.strictObject({
  'memory-size': z.number().int().min(0),
  'disk-size': z.number().int().min(0),
  'disk-count': z.number().int().min(0),
  'cpu-count': z.number().int().min(0),
  'nic-count': z.number().int().min(0),
  'spindle-use': z.number().int().min(0),
});
type ISpec = z.infer<typeof ISpec>;

const MinMax = z.strictObject({ min: ISpec, max: ISpec }).superRefine(({ min, max }, context) => {
  for (const name of ispecNames)
    if (min[name] > max[name])
      context.addIssue({
        code: 'custom',
        path: ['min', name],
        message: `at most the maximum, ${max[name]}`,
      });
});

/** The instance policy of a cluster: an instance must fit at least one of the `minmax` pairs. */
export const IPolicy = z.strictObject({
  minmax: z.array(MinMax).min(1),
  std: ISpec,
  'spindle-ratio': z.number().min(1),
  'vcpu-ratio': z.number().min(1),
  'disk-templates': z.array(z.enum(diskTemplates)).min(1),
});
export type IPolicy = z.infer<typeof IPolicy>;

type Given = Readonly<Record<string, unknown>>;

const isDict = (value: unknown): value is Given =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Converts the quantities of a request to their types; everything else stays as it is, for the schema to refuse. */
function specOf(given: unknown): unknown {
  if (!isDict(given)) return given;
  const known = Object.entries(given).filter(([name]) => Object.hasOwn(ispecKinds, name));
  return { ...given, ...enforceKinds(Object.fromEntries(known), ispecKinds) };
}

/**
 * A requested policy in which numbers that are given as texts, sizes with units ("1g") among them, are converted to numbers.
 * @throws MerapiError type_enforcement
 */
export function policyNumbers(request: Given): Given {
  const { minmax, std } = request;
  const after: Record<string, unknown> = { ...request };
  if (Array.isArray(minmax))
    after.minmax = minmax.map((pair) =>
      isDict(pair)
        ? Object.fromEntries(Object.entries(pair).map(([end, spec]) => [end, specOf(spec)]))
        : pair,
    );
  if (std !== undefined) after.std = specOf(std);
  for (const name of ['spindle-ratio', 'vcpu-ratio']) {
    const value = request[name];
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
      after[name] = Number(value);
  }
  return after;
}

/** The parts of the cluster's policy that a group overrides. */
export const PartialIPolicy = IPolicy.omit({ std: true }).partial();
export type PartialIPolicy = z.infer<typeof PartialIPolicy>;

const std: ISpec = {
  'memory-size': 128,
  'disk-size': 1024,
  'disk-count': 1,
  'cpu-count': 1,
  'nic-count': 1,
  'spindle-use': 1,
};

/** Ganeti's default policy. */
export const ipolicyDefaults: IPolicy = {
  minmax: [
    {
      min: { ...std },
      max: {
        'memory-size': 32768,
        'disk-size': 1048576,
        'disk-count': 16,
        'cpu-count': 8,
        'nic-count': 8,
        'spindle-use': 12,
      },
    },
  ],
  std,
  'spindle-ratio': 32,
  'vcpu-ratio': 4,
  'disk-templates': [...diskTemplates],
};

/** The size of an instance in the quantities of a policy. Sizes in MiB; `disk-size` has one entry for each disk. */
export interface InstanceSpec {
  'memory-size': number;
  'disk-size': readonly number[];
  'disk-count': number;
  'cpu-count': number;
  'nic-count': number;
  'spindle-use': number;
  'disk-template': string;
}

function outside(spec: InstanceSpec, min: ISpec, max: ISpec): string[] {
  const problems: string[] = [];
  for (const name of ispecNames) {
    if (name === 'disk-count' && templates[spec['disk-template'] as DiskTemplate]?.hasData === false)
      continue; // instances of this template cannot have disks
    const value = spec[name];
    for (const [index, amount] of (typeof value === 'number' ? [value] : value).entries()) {
      const what = typeof value === 'number' ? name : `${name}/${index}`;
      if (amount < min[name]) problems.push(`${what} is ${amount}, at least ${min[name]} is needed`);
      if (amount > max[name]) problems.push(`${what} is ${amount}, at most ${max[name]} is allowed`);
    }
  }
  return problems;
}

/** How an instance violates a policy, for people; empty when it does not. Of several min-max pairs the nearest miss is reported. */
export function ipolicyViolations(policy: IPolicy, spec: InstanceSpec): string[] {
  const problems: string[] = [];
  if (!policy['disk-templates'].includes(spec['disk-template'] as never))
    problems.push(
      `disk template ${spec['disk-template']} is not among ${policy['disk-templates'].join(', ')}`,
    );
  const misses = policy.minmax.map(({ min, max }) => outside(spec, min, max));
  misses.sort((a, b) => a.length - b.length);
  return [...problems, ...(misses[0] ?? [])];
}
