import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MerapiError } from '../../lib/base/errors.ts';
import { type Json, parseJson, stringifyJson } from '../../lib/base/json.ts';
import { AT_ONCE, parseJsonInSlices } from '../../lib/base/json-slices.ts';

const blanks = ' '.repeat(AT_ONCE);
/** Parses a text that is long enough to be parsed in slices, for the blanks before it. */
const sliced = (text: string, limits?: { depth: number; values: number }) =>
  parseJsonInSlices(blanks + text, limits);

const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(
      null,
      true,
      false,
      0,
      -0.5,
      1e300,
      5e-324,
      '__proto__',
      '\\',
      '"',
      '\u2028',
      '\ud83d',
    ),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Number.isInteger(x) ? 0.5 : x)),
    fc.bigInt().filter((x) => x > Number.MAX_SAFE_INTEGER || x < Number.MIN_SAFE_INTEGER),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), { noNullPrototype: true }),
  ),
})).value;

const refused = (code: string, message?: RegExp) => (error: unknown) =>
  error instanceof MerapiError && error.code === code && (message?.test(error.message) ?? true);

describe('parseJsonInSlices', () => {
  it('gives what parseJson gives', () =>
    fc.assert(
      fc.asyncProperty(json, fc.boolean(), async (value, pretty) => {
        const text = stringifyJson(value);
        const spaced = pretty ? text.replaceAll(/(?<=^[[{]|^[\]}])/g, ' \n\t\r') : text;
        assert.deepEqual(await sliced(spaced), parseJson(text));
      }),
      { numRuns: 100 },
    ));

  it('refuses what parseJson refuses, and takes what it takes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: fc.constantFrom(...'[]{}:,"\\01.-+eEtrufalsn \u0001') }),
          fc.tuple(json, fc.nat(), fc.constantFrom('', ',', '"', '\\', '0', ']')).map(([value, at, put]) => {
            const text = stringifyJson(value);
            const place = at % (text.length + 1);
            return text.slice(0, place) + put + text.slice(place + 1);
          }),
        ),
        async (text) => {
          const outcome = (parse: () => Json | Promise<Json>) =>
            Promise.resolve()
              .then(parse)
              .then((value) => ({ value }))
              .catch((error) => (refused('wrong_input', /not valid JSON/)(error) ? 'refused' : error));
          assert.deepEqual(await outcome(() => sliced(text)), await outcome(() => parseJson(text)), text);
        },
      ),
      { numRuns: 400 },
    ));

  it('takes long texts apart without cutting an escape', async () => {
    for (const value of ['\u0001"\\\ud83d\ude00é', 'a', '\\']) {
      const long = value.repeat(Math.ceil(100_000 / value.length));
      const escaped = [...JSON.stringify(long)].map((c) => (c > '~' ? inHex(c) : c)).join('');
      assert.equal(await sliced(JSON.stringify(long)), long);
      assert.equal(await sliced(escaped), long);
      assert.deepEqual(await sliced(JSON.stringify({ [long]: [long] })), { [long]: [long] });
    }
    await assert.rejects(
      sliced(`"${'a'.repeat(200_000)}\n"`),
      refused('wrong_input', /escaped at position 265537/),
    );
  });

  it('counts levels and values', async () => {
    const limits = { depth: 3, values: 5 };
    assert.deepEqual(await sliced('[[[1]],2]', limits), [[[1]], 2]);
    for (const parse of [sliced, parseJsonInSlices]) {
      await assert.rejects(parse('[[[[]]]]', limits), refused('wrong_input', /more than 3 levels/));
      await assert.rejects(
        parse('{"a":{"b":{"c":{}}}}', limits),
        refused('wrong_input', /more than 3 levels/),
      );
    }
    await assert.rejects(sliced('[1,2,3,4,5]', limits), refused('too_large', /more than 5 values/));
    await assert.rejects(sliced(`${'['.repeat(1e6)}`, { depth: 200, values: 5e5 }), refused('wrong_input'));
  });

  it('lets others go on meanwhile', async () => {
    let turns = 0;
    const count = setInterval(() => turns++, 1);
    const value = (await parseJsonInSlices(
      `[${'[],'.repeat(400_000)}{"a":"${'\\n'.repeat(3e6)}"}]`,
    )) as Json[];
    clearInterval(count);
    assert.equal(value.length, 400_001);
    assert.ok(turns >= 5, `only ${turns} turns of the event loop`);
  });
});

function inHex(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}
