import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MerapiError } from '../../lib/base/errors.ts';
import { MAX_DEPTH, MAX_PATTERNS, MAX_TERMS, parseFilter } from '../../lib/query/language.ts';
import { resources } from '../../lib/query/resources.ts';

const { instance, job } = resources;

function messageOf(filter: unknown, table = instance): string {
  try {
    parseFilter(filter, table);
  } catch (error) {
    assert.ok(error instanceof MerapiError, String(error));
    assert.equal(error.code, 'wrong_input');
    return error.message;
  }
  return assert.fail(`accepted: ${JSON.stringify(filter)}`);
}

describe('query/language', () => {
  it('takes null as no filter', () => {
    assert.equal(parseFilter(null, instance), null);
    assert.equal(parseFilter(undefined, instance), null);
  });

  it('makes a tree of every operator', () => {
    const tree = parseFilter(
      [
        '|',
        ['&', ['?', 'oper_state'], ['!', ['==', 'name', 'web1']]],
        ['!=', 'be/vcpus', 2],
        ['=[]', 'tags', 'a'],
      ],
      instance,
    );
    assert.deepEqual(tree, {
      op: '|',
      parts: [
        {
          op: '&',
          parts: [
            { op: '?', field: 'oper_state' },
            { op: '!', part: { op: '=', field: 'name', operand: 'web1' } },
          ],
        },
        { op: '!', part: { op: '=', field: 'be/vcpus', operand: 2 } },
        { op: '=[]', field: 'tags', operand: 'a' },
      ],
    });
    for (const op of ['<', '<=', '>', '>='])
      assert.deepEqual(parseFilter([op, 'ctime', 5], instance), { op, field: 'ctime', operand: 5 });
  });

  it('turns numbers written as texts, and very long ones, into numbers where numbers belong', () => {
    assert.deepEqual(parseFilter(['=', 'id', '257'], job), { op: '=', field: 'id', operand: 257 });
    assert.deepEqual(parseFilter(['=', 'id', 257], job), { op: '=', field: 'id', operand: 257 });
    assert.deepEqual(parseFilter(['<', 'end_ts', 2n ** 60n], job), {
      op: '<',
      field: 'end_ts',
      operand: 2 ** 60,
    });
  });

  const wrong: [unknown, RegExp][] = [
    ['name', /^The filter is wrong: expected a list such as .* not 'name'/],
    [[], /a list such as/],
    [{}, /not an object/],
    [0, /not 0/],
    [['bad', 'name', 1], /'bad' is not an operator; the operators are \| & ! \?/],
    [[['=', 'name', 'x']], /a list is not an operator/],
    [['=', 'name'], /after '=' there must be the name of a field and a value, not 1 items/],
    [['=', 'name', 'x', 'y'], /not 3 items/],
    [['=', 'nosuch', 1], /there is no field 'nosuch'/],
    [['=', 'constructor', 1], /there is no field/],
    [['=', 5, 1], /the name of a field must be a text, not 5/],
    [['?'], /after '\?'/],
    [['!'], /after '!' there must be one filter/],
    [
      ['&', ['=', 'name', 'x'], ['|', ['=', 'name', 'y'], ['=', 'nosuch', 1]]],
      /wrong at \[2\]\[2\]: there is no field/,
    ],
    [['=', 'name', 5], /field 'name' can be compared with a text, not with 5/],
    [['=', 'name', null], /not with null/],
    [['=', 'be/vcpus', 'two'], /with a number, not with 'two'/],
    [['=', 'be/vcpus', ''], /with a number/],
    [['=', 'admin_up', 'true'], /with true or false/],
    [['=', 'hv/kernel_path', []], /with a text, a number, true or false, not with a list/],
    [['=', 'tags', 'web'], /holds a list; use '=\[\]'/],
    [['<', 'tags', 'web'], /holds a list/],
    [['=[]', 'name', 'web'], /holds texts; '=\[\]' is for lists/],
    [['=[]', 'tags', ['web']], /not with a list/],
    [['<', 'admin_up', true], /no order/],
    [['>', 'hv/acpi', false], /no order/],
    [['=~', 'be/vcpus', '2'], /holds numbers; regular expressions are for texts/],
    [['=~', 'tags', '2'], /regular expressions are for texts/],
    [['=~', 'name', 2], /must be a text, not 2/],
    [['=~', 'name', '('], /regular expression '\(' is invalid: missing closing \)/],
  ];
  for (const [filter, text] of wrong)
    it(`refuses ${JSON.stringify(filter)}`, () => {
      assert.match(messageOf(filter), text);
    });

  it('bounds depth, size and the number of regular expressions', () => {
    const nested = (depth: number) => {
      let filter: unknown = ['?', 'name'];
      for (let level = 1; level < depth; level++) filter = ['!', filter];
      return filter;
    };
    assert.ok(parseFilter(nested(MAX_DEPTH), instance));
    assert.match(messageOf(nested(MAX_DEPTH + 1)), /nested deeper than/);
    assert.match(messageOf(nested(200_000)), /nested deeper than/);
    const wide = (count: number, part: unknown) => ['|', ...new Array<unknown>(count).fill(part)];
    assert.ok(parseFilter(wide(MAX_TERMS - 1, ['?', 'name']), instance));
    assert.match(messageOf(wide(MAX_TERMS, ['?', 'name'])), /more than 50000 conditions/);
    assert.ok(parseFilter(wide(MAX_PATTERNS, ['=~', 'name', 'a']), instance));
    assert.match(messageOf(wide(MAX_PATTERNS + 1, ['=~', 'name', 'a'])), /more than 16 regular expressions/);
  });

  it('accepts or refuses any JSON, and never fails otherwise', () => {
    const leaf = fc.oneof(
      fc.constantFrom(
        '|',
        '&',
        '!',
        '?',
        '=',
        '!=',
        '<',
        '>=',
        '=~',
        '=[]',
        'name',
        'tags',
        'be/vcpus',
        'admin_up',
      ),
      fc.jsonValue({ maxDepth: 1 }),
      fc.string(),
    );
    const { filter } = fc.letrec((tie) => ({
      filter: fc.oneof({ depthSize: 'large' }, leaf, fc.array(tie('filter'), { maxLength: 4 })),
    }));
    fc.assert(
      fc.property(filter, (value) => {
        try {
          parseFilter(value, instance);
        } catch (error) {
          assert.ok(error instanceof MerapiError && error.code === 'wrong_input', String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
