import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MerapiError } from '../../lib/base/errors.ts';
import { type Json, parseJson, stringifyJson } from '../../lib/base/json.ts';

/** Any JSON value; integers beyond 2^53 as BigInt, for a number of that size could not come back as one. */
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Number.isInteger(x) ? 0.5 : x)),
    fc.bigInt().filter((x) => x > Number.MAX_SAFE_INTEGER || x < Number.MIN_SAFE_INTEGER),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\u0001',
      '\u0001\u000112',
      '"\\',
      '\\u0001',
      '1795226542857381120',
      '\\"9999999999999999',
    ),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
})).value;

describe('parseJson and stringifyJson', () => {
  it('bring every value back as it was', () => {
    fc.assert(
      fc.property(json, (value) => {
        assert.deepEqual(parseJson(stringifyJson(value)), value);
      }),
      { numRuns: 500 },
    );
  });

  it('write what JSON.stringify writes when there is no BigInt', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(stringifyJson(value), JSON.stringify(value));
        assert.equal(stringifyJson([value, 1n]), `[${JSON.stringify(value)},1]`);
      }),
    );
  });

  it('keep nanosecond times and other long integers exact', () => {
    const text = '[1795226542857381120,-9007199254740993,9007199254740991,1234567890123456]';
    assert.deepEqual(parseJson(text), [
      1795226542857381120n,
      -9007199254740993n,
      9007199254740991,
      1234567890123456,
    ]);
    assert.equal(stringifyJson(parseJson(text)), text);
  });

  it('leave long fractions, exponents and digits in strings and keys alone', () => {
    const text =
      '{"12345678901234567890":"1795226542857381120","a":0.12345678901234567,"b":1234567890123456e2}';
    assert.deepEqual(parseJson(text), JSON.parse(text));
  });

  it('are not misled by strings that look like marks of the parser', () => {
    assert.deepEqual(parseJson('["\\u0001abc",1795226542857381120]'), ['\u0001abc', 1795226542857381120n]);
    assert.deepEqual(parseJson('{"\\u00015":"\\u00015","n":1795226542857381120}'), {
      '\u00015': '\u00015',
      n: 1795226542857381120n,
    });
  });

  it('take any value at the top', () => {
    for (const text of ['null', '5', '"x"', 'true', '[]', ' {} ', '1795226542857381120'])
      assert.equal(stringifyJson(parseJson(text)), text.trim());
  });

  it('refuse what JSON.parse refuses, long numbers or not', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '-',
      '.',
      'e',
      '0',
      ' ',
      'null',
      '"a"',
      '\u0001',
      '\\u0001',
      '1234567890123456',
      '-99999999999999999999',
      '01234567890123456',
      '1234567890123456.5',
      '\n',
    );
    const refused = (parse: () => unknown) => {
      try {
        parse();
        return false;
      } catch (error) {
        assert.ok(
          error instanceof SyntaxError || (error instanceof MerapiError && error.code === 'wrong_input'),
        );
        return true;
      }
    };
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 8 }), (fragments) => {
        const text = fragments.join('');
        assert.equal(
          refused(() => parseJson(text)),
          refused(() => JSON.parse(text)),
          text,
        );
      }),
      { numRuns: 2000 },
    );
    for (const text of [
      '',
      '{1234567890123456:1}',
      '[1234567890123456',
      '"1234567890123456',
      '1234567890123456.',
    ])
      assert.throws(() => parseJson(text), { code: 'wrong_input', message: /not valid JSON/ }, text);
  });

  it('take strings of many megabytes beside a long integer', () => {
    const value = { text: `\\"${'a'.repeat(20_000_000)}`, number: 2n ** 64n };
    assert.ok(stringifyJson(parseJson(stringifyJson(value))) === stringifyJson(value));
  });

  it('write undefined as null at the top and in lists, and leave such members out', () => {
    assert.equal(stringifyJson(undefined), 'null');
    assert.equal(stringifyJson([undefined, 1n]), '[null,1]');
    assert.equal(stringifyJson({ a: undefined, b: 1n }), '{"b":1}');
  });
});
