import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Cell, Field, FieldTable } from '../../lib/query/define.ts';
import { compileFilter, lookupKeys } from '../../lib/query/evaluate.ts';
import { parseFilter } from '../../lib/query/language.ts';

const field = (kind: Field['kind'], matching?: Field['matching']): Field =>
  matching ? { title: 't', kind, doc: 'd', matching } : { title: 't', kind, doc: 'd' };
const fields: FieldTable = new Map([
  ['name', field('text', 'host')],
  ['os', field('text')],
  ['count', field('number')],
  ['up', field('bool')],
  ['tags', field('other', 'list')],
  ['end', field('other', 'time')],
  ['any', field('other')],
]);

type Row = Record<string, Cell>;
const row = (values: Record<string, unknown>): Row =>
  Object.fromEntries(
    [...fields.keys()].map((name) => [name, name in values ? [0, values[name]] : [3, null]]),
  );

function passes(filter: unknown, values: Record<string, unknown>): boolean {
  const parsed = parseFilter(filter, fields);
  assert.ok(parsed);
  return compileFilter<Row>(parsed, fields, (name) => (each) => each[name] as Cell)(row(values));
}

describe('query/evaluate', () => {
  const cases: [unknown, Record<string, unknown>, boolean][] = [
    [['&'], { name: 'node1.example.com' }, true],
    [['|'], { name: 'node1.example.com' }, false],
    [['!', ['|']], { name: 'node1.example.com' }, true],
    [['=', 'name', 'node1.example.com'], { name: 'node1.example.com' }, true],
    [['=', 'name', 'NODE1.Example.com'], { name: 'node1.example.com' }, true],
    [['=', 'name', 'node1'], { name: 'node1.example.com' }, true],
    [['=', 'name', 'node1.example'], { name: 'node1.example.com' }, true],
    [['=', 'name', 'node'], { name: 'node1.example.com' }, false],
    [['=', 'name', 'node1.'], { name: 'node1.example.com' }, false],
    [['!=', 'name', 'node1'], { name: 'node1.example.com' }, false],
    [['=', 'os', 'Demo'], { os: 'demo' }, false],
    [['<', 'os', 'b'], { os: 'a' }, true],
    [['=', 'count', '5'], { count: 5 }, true],
    [['>', 'count', 0], { count: 2 }, true],
    [['<', 'count', 0], { count: 2 }, false],
    [['>=', 'count', 2], { count: 2 }, true],
    [['<=', 'count', 1.5], { count: 2 }, false],
    [['=', 'up', true], { up: true }, true],
    [['=', 'up', true], { up: false }, false],
    [['?', 'up'], { up: false }, false],
    [['?', 'count'], { count: 0 }, false],
    [['?', 'os'], { os: '' }, false],
    [['?', 'os'], { os: 'x' }, true],
    [['?', 'tags'], { tags: [] }, false],
    [['?', 'tags'], { tags: ['a'] }, true],
    [['?', 'any'], { any: {} }, false],
    [['?', 'any'], { any: { a: 1 } }, true],
    [['=[]', 'tags', 'web'], { tags: ['prod', 'web'] }, true],
    [['=[]', 'tags', 'we'], { tags: ['prod', 'web'] }, false],
    [['=[]', 'tags', 64], { tags: [64, 32] }, true],
    [['=~', 'name', '^node[12]'], { name: 'node2.example.com' }, true],
    [['=~', 'any', '1'], { any: 1 }, false],
    [['<', 'end', 10.5], { end: 10.4 }, true],
    [['>', 'end', 10.5], { end: 10.4 }, false],
    [['=', 'end', 10.25], { end: 10.25 }, true],
    [['=', 'any', '1'], { any: 1 }, false],
    [['<', 'any', '1'], { any: 0 }, false],
  ];
  for (const [filter, values, expected] of cases)
    it(`${JSON.stringify(filter)} on ${JSON.stringify(values)} is ${expected}`, () => {
      assert.equal(passes(filter, values), expected);
    });

  it('lets no value without status NORMAL meet a condition', () => {
    const conditions = [
      ['=', 'os', 'x'],
      ['<', 'count', 5],
      ['?', 'up'],
      ['=~', 'os', ''],
      ['=[]', 'tags', 'a'],
    ];
    for (const filter of conditions) {
      assert.equal(passes(filter, {}), false, JSON.stringify(filter));
      assert.equal(passes(['!', filter], {}), true, JSON.stringify(filter));
    }
    assert.equal(passes(['!=', 'os', 'x'], {}), true);
  });

  it('reads only the fields that decide', () => {
    const read: string[] = [];
    const parsed = parseFilter(['&', ['=', 'os', 'x'], ['|', ['?', 'up'], ['>', 'count', 1]]], fields);
    assert.ok(parsed);
    const test = compileFilter<Row>(parsed, fields, (name) => (each) => {
      read.push(name);
      return each[name] as Cell;
    });
    assert.equal(test(row({ os: 'y', up: true, count: 2 })), false);
    assert.deepEqual(read, ['os']);
    read.length = 0;
    assert.equal(test(row({ os: 'x', up: true, count: 2 })), true);
    assert.deepEqual(read, ['os', 'up']);
  });

  it('agrees with a plain evaluation of the filter as it was given', () => {
    type Raw = [string, ...unknown[]];
    const short = fc.constantFrom('a', 'b', 'a.c', 'b.c', 'A');
    const small = fc.integer({ min: 0, max: 3 });
    const condition: fc.Arbitrary<Raw> = fc.oneof(
      fc.tuple(fc.constantFrom('=', '==', '!='), fc.constantFrom('name', 'os'), short),
      fc.tuple(fc.constantFrom('=', '!=', '<', '<=', '>', '>='), fc.constant('count'), small),
      fc.tuple(fc.constantFrom('<', '<=', '>', '>='), fc.constant('os'), short),
      fc.tuple(fc.constant('?'), fc.constantFrom('name', 'count', 'up', 'tags')),
      fc.tuple(fc.constant('=[]'), fc.constant('tags'), short),
    );
    const { filter } = fc.letrec<{ filter: Raw }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 4 },
        condition,
        fc.tuple(fc.constant('!'), tie('filter')) as fc.Arbitrary<Raw>,
        fc
          .tuple(fc.constantFrom('|', '&'), fc.array(tie('filter'), { minLength: 1, maxLength: 4 }))
          .map(([op, parts]): Raw => [op, ...parts]),
      ),
    }));
    const values = fc.record(
      { name: short, os: short, count: small, up: fc.boolean(), tags: fc.array(short, { maxLength: 2 }) },
      { requiredKeys: [] },
    );
    const naive = ([op, ...rest]: Raw, known: Record<string, unknown>): boolean => {
      if (op === '|') return rest.some((part) => naive(part as Raw, known));
      if (op === '&') return rest.every((part) => naive(part as Raw, known));
      if (op === '!') return !naive(rest[0] as Raw, known);
      if (op === '!=') return !naive(['=', ...rest], known);
      const [name, operand] = rest as [string, string | number];
      const value = known[name];
      if (value === undefined) return false;
      switch (op) {
        case '?':
          return Array.isArray(value) ? value.length > 0 : Boolean(value);
        case '=[]':
          return (value as unknown[]).includes(operand);
        case '<':
          return (value as string) < operand;
        case '<=':
          return (value as string) <= operand;
        case '>':
          return (value as string) > operand;
        case '>=':
          return (value as string) >= operand;
        default:
          if (name !== 'name') return value === operand;
          return `${value}.`.toLowerCase().startsWith(`${operand}.`.toLowerCase());
      }
    };
    fc.assert(
      fc.property(filter, values, (raw, known) => {
        assert.equal(passes(raw, known), naive(raw, known));
      }),
      { numRuns: 2000 },
    );
  });

  it('knows which filters name their objects', () => {
    const keys = (filter: unknown) => {
      const found = lookupKeys(parseFilter(filter, fields), 'name');
      return found && [...found];
    };
    const one = (name: string) => ['=', 'name', name];
    assert.deepEqual(keys(one('a')), ['a']);
    assert.deepEqual(keys(['|', one('a'), one('b'), one('a')]), ['a', 'b']);
    assert.deepEqual(keys(['|', one('a'), ['|', one('b')]]), ['a', 'b']);
    assert.deepEqual(keys(['&', ['?', 'up'], one('a')]), ['a']);
    assert.equal(keys(['|', one('a'), ['=', 'os', 'x']]), null);
    assert.equal(keys(['!=', 'name', 'a']), null);
    assert.equal(keys(['!', one('a')]), null);
    assert.equal(keys(['<', 'name', 'a']), null);
    assert.equal(keys(null), null);
  });
});
