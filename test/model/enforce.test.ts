import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  DEFAULT_VALUE,
  enforceKinds,
  type ParamKind,
  type ParamKinds,
  parseSize,
  steppedSize,
} from '../../lib/model/enforce.ts';

describe('parseSize', () => {
  it('reads integers and texts with units as MiB, fractions rounded up', () => {
    const sizes: [unknown, number][] = [
      [0, 0],
      [512, 512],
      ['512', 512],
      [' 512 ', 512],
      ['512m', 512],
      ['512M', 512],
      ['512MiB', 512],
      ['20G', 20480],
      ['20gb', 20480],
      ['1.5t', 1572864],
      ['1k', 1],
      ['1025k', 2],
      ['1.5', 2],
      ['0.1g', 103],
    ];
    for (const [value, expected] of sizes) assert.equal(parseSize(value), expected, String(value));
  });

  it('refuses everything else, naming what would be right', () => {
    for (const value of [
      -1,
      1.5,
      Number.NaN,
      '',
      'g',
      '-5',
      '5 5',
      '5x',
      '1e3',
      null,
      true,
      {},
      [5],
      undefined,
    ])
      assert.throws(() => parseSize(value), { code: 'wrong_input', message: /such as "20G"/ }, String(value));
  });

  it('gives the same for a number of MiB, its text and its GiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), (size) => {
        assert.equal(parseSize(size), size);
        assert.equal(parseSize(`${size}`), size);
        assert.equal(parseSize(`${size}g`), size * 1024);
      }),
    );
  });
});

describe('enforceKinds', () => {
  const one = (kind: ParamKind, value: unknown) => enforceKinds({ p: value }, { p: kind }).p;

  it('gives values in their proper types', () => {
    const cases: [ParamKind, unknown, unknown][] = [
      ['bool', true, true],
      ['bool', false, false],
      ['bool', 'TRUE', true],
      ['bool', 'false', false],
      ['bool', '', false],
      ['bool', null, false],
      ['int', 5, 5],
      ['int', '-7', -7],
      ['int', ' 7 ', 7],
      ['float', '1.5', 1.5],
      ['float', 2, 2],
      ['string', 'x', 'x'],
      ['string', null, ''],
      ['string', false, ''],
      ['maybe-string', 'x', 'x'],
      ['maybe-string', null, null],
      ['maybe-string', false, ''],
      ['size', '1g', 1024],
      ['size', 128, 128],
    ];
    for (const [kind, value, expected] of cases)
      assert.strictEqual(one(kind, value), expected, `${kind} ${JSON.stringify(value)}`);
  });

  it('refuses values of another kind, naming the parameter', () => {
    const cases: [ParamKind, unknown][] = [
      ['bool', 'maybe'],
      ['bool', 'yes'],
      ['bool', '0'],
      ['bool', 1],
      ['int', '1.5'],
      ['int', 1.5],
      ['int', ''],
      ['int', null],
      ['int', true],
      ['int', 2 ** 53],
      ['float', 'x'],
      ['float', ''],
      ['float', null],
      ['float', Number.POSITIVE_INFINITY],
      ['string', 5],
      ['string', true],
      ['string', []],
      ['maybe-string', {}],
      ['size', 'big'],
      ['size', null],
    ];
    for (const [kind, value] of cases)
      assert.throws(
        () => one(kind, value),
        { code: 'type_enforcement', message: /'p'/ },
        `${kind} ${JSON.stringify(value)}`,
      );
  });

  it('rounds sizes up to a multiple of 4 MiB', () => {
    for (const [given, size] of [
      [0, 0],
      [1, 4],
      [10, 12],
      ['13', 16],
      ['0.1g', 104],
      ['1g', 1024],
    ])
      assert.equal(one('size', given), size, String(given));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), (size) => {
        const stepped = steppedSize(size);
        assert.ok(stepped % 4 === 0 && stepped >= size && stepped < size + 4);
        assert.equal(steppedSize(`${stepped}m`), stepped);
      }),
    );
  });

  it('takes "default" for no value where something is new', () => {
    const wrong = { code: 'type_enforcement' };
    assert.throws(() => enforceKinds({ a: DEFAULT_VALUE }, { a: 'size' }, true), wrong);
    assert.deepEqual(enforceKinds({ a: DEFAULT_VALUE }, { a: 'string' }, true), { a: DEFAULT_VALUE });
  });

  it('lets "default" pass and keeps the input as it was', () => {
    const values = Object.freeze({ a: DEFAULT_VALUE, b: '2' });
    assert.deepEqual(enforceKinds(values, { a: 'int', b: 'int' }), { a: DEFAULT_VALUE, b: 2 });
    assert.equal(values.b, '2');
  });

  it('refuses unknown names, those of Object.prototype included, and lists the known ones', () => {
    const kinds: ParamKinds = { b: 'int', a: 'int' };
    for (const name of ['c', 'constructor', 'toString'])
      assert.throws(() => enforceKinds({ [name]: 1 }, kinds), {
        code: 'type_enforcement',
        message: `Unknown parameter '${name}'; known are a, b`,
      });
  });

  it('changes nothing when its own result is enforced again', () => {
    const kind = fc.constantFrom<ParamKind>('bool', 'int', 'float', 'string', 'maybe-string', 'size');
    fc.assert(
      fc.property(kind, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), (of, value) => {
        let once: unknown;
        try {
          once = one(of, value);
        } catch {
          return;
        }
        assert.strictEqual(one(of, once), once);
      }),
    );
  });
});
