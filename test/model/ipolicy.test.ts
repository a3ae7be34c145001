import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type InstanceSpec,
  IPolicy,
  ipolicyDefaults,
  ipolicyViolations,
  PartialIPolicy,
  policyNumbers,
} from '../../lib/model/ipolicy.ts';

function spec(values: Partial<InstanceSpec> = {}): InstanceSpec {
  return {
    'memory-size': 128,
    'disk-size': [1024],
    'disk-count': 1,
    'cpu-count': 1,
    'nic-count': 1,
    'spindle-use': 1,
    'disk-template': 'file',
    ...values,
  };
}

describe('ipolicyViolations', () => {
  it('finds nothing in what keeps the policy, the bounds included', () => {
    assert.deepEqual(ipolicyViolations(ipolicyDefaults, spec()), []);
    const largest = spec({
      'memory-size': 32768,
      'cpu-count': 8,
      'disk-size': [1048576, 1024],
      'disk-count': 2,
    });
    assert.deepEqual(ipolicyViolations(ipolicyDefaults, largest), []);
  });

  it('names each value that is outside, each disk by its number', () => {
    const bad = spec({
      'memory-size': 127,
      'cpu-count': 9,
      'disk-size': [1024, 1000],
      'disk-count': 2,
      'disk-template': 'floppy',
    });
    assert.deepEqual(ipolicyViolations(ipolicyDefaults, bad), [
      `disk template floppy is not among ${ipolicyDefaults['disk-templates'].join(', ')}`,
      'memory-size is 127, at least 128 is needed',
      'disk-size/1 is 1000, at least 1024 is needed',
      'cpu-count is 9, at most 8 is allowed',
    ]);
  });

  it('does not ask a diskless instance for disks', () => {
    const none = { 'disk-size': [], 'disk-count': 0 };
    assert.deepEqual(ipolicyViolations(ipolicyDefaults, spec({ ...none, 'disk-template': 'diskless' })), []);
    assert.deepEqual(ipolicyViolations(ipolicyDefaults, spec(none)), [
      'disk-count is 0, at least 1 is needed',
    ]);
  });

  it('accepts what fits one of several ranges and else tells the nearest miss', () => {
    const [range] = ipolicyDefaults.minmax;
    assert.ok(range);
    const small = { ...range, max: { ...range.max, 'memory-size': 500, 'cpu-count': 1 } };
    const large = { ...range, min: { ...range.min, 'memory-size': 1000, 'cpu-count': 2 } };
    const policy = { ...ipolicyDefaults, minmax: [small, large] };
    assert.deepEqual(ipolicyViolations(policy, spec({ 'memory-size': 400 })), []);
    assert.deepEqual(ipolicyViolations(policy, spec({ 'memory-size': 1200, 'cpu-count': 2 })), []);
    assert.deepEqual(ipolicyViolations(policy, spec({ 'memory-size': 700, 'cpu-count': 2 })), [
      'memory-size is 700, at least 1000 is needed',
    ]);
  });

  it('finds something exactly when no range holds the value', () => {
    const bound = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(bound, bound), { minLength: 1, maxLength: 3 }),
        bound,
        (bounds, memory) => {
          const [range] = ipolicyDefaults.minmax;
          assert.ok(range);
          const minmax = bounds.map(([min, max]) => ({
            min: { ...range.min, 'memory-size': min },
            max: { ...range.max, 'memory-size': max },
          }));
          const inside = bounds.some(([min, max]) => min <= memory && memory <= max);
          const problems = ipolicyViolations({ ...ipolicyDefaults, minmax }, spec({ 'memory-size': memory }));
          assert.equal(problems.length === 0, inside);
        },
      ),
    );
  });
});

describe('policyNumbers', () => {
  it('reads texts of numbers, and sizes with a unit', () => {
    const [bounds] = ipolicyDefaults.minmax;
    const texts = (values: object) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
    const given = {
      ...ipolicyDefaults,
      minmax: [{ min: texts(bounds?.min ?? {}), max: texts(bounds?.max ?? {}) }],
      std: { ...texts(ipolicyDefaults.std), 'disk-size': '1g' },
      'vcpu-ratio': '4.0',
      'spindle-ratio': '32',
    };
    assert.deepEqual(IPolicy.parse(policyNumbers(given)), {
      ...ipolicyDefaults,
      'vcpu-ratio': 4,
      'spindle-ratio': 32,
    });
  });

  it('leaves what is no number for the schema to refuse, and refuses sizes that are none', () => {
    for (const policy of [
      { 'vcpu-ratio': 'x' },
      { minmax: 'x' },
      { minmax: [1] },
      { std: 7 },
      { extra: '1' },
    ])
      assert.deepEqual(policyNumbers(policy), policy);
    assert.throws(() => policyNumbers({ std: { 'memory-size': 'x' } }), {
      code: 'type_enforcement',
      message: /'memory-size'/,
    });
  });
});

describe('the schemas of instance policies', () => {
  it('accept the defaults and refuse unknown or missing keys and low ratios', () => {
    assert.deepEqual(IPolicy.parse(ipolicyDefaults), ipolicyDefaults);
    const { std: _std, ...withoutStd } = ipolicyDefaults;
    assert.equal(IPolicy.safeParse(withoutStd).success, false);
    assert.equal(IPolicy.safeParse({ ...ipolicyDefaults, extra: 1 }).success, false);
    assert.equal(IPolicy.safeParse({ ...ipolicyDefaults, 'vcpu-ratio': 0.5 }).success, false);
    assert.equal(IPolicy.safeParse({ ...ipolicyDefaults, minmax: [] }).success, false);
    assert.deepEqual(PartialIPolicy.parse({}), {});
    assert.equal(PartialIPolicy.safeParse({ std: ipolicyDefaults.std }).success, false);
  });
});
