import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { commonParams, kinds, type Param } from '../../lib/model/params.ts';
import { allParams, type Opcode, type Params, parseOp } from '../../lib/opcodes/define.ts';
import { opcodes } from '../../lib/opcodes/registry.ts';
import { unitOf } from '../../lib/units/registry.ts';
import { generatedDocs } from '../../scripts/render.ts';
import { sourcesOf } from '../../scripts/sources.ts';

interface GanetiParam {
  name: string;
  type: string;
  default?: unknown;
  required?: true;
}

/** What Ganeti 3.0.2 says of its opcodes. */
const ganeti: {
  common: GanetiParam[];
  opcodes: Record<string, { params: GanetiParam[]; result: string; summary_field: string | null }>;
} = JSON.parse(readFileSync(new URL('./opcodes.json', import.meta.url), 'utf8'));

const all = Object.entries(opcodes as unknown as Record<string, Opcode>);

/** Opcodes that Ganeti does not have; each stands here, so that none is ours by a slip of the pen. */
const ownOpcodes: readonly string[] = [
  'OP_GUEST_EXEC',
  'OP_GUEST_FILE_WRITE',
  'OP_GUEST_FSFREEZE',
  'OP_GUEST_FSTHAW',
  'OP_GUEST_FSTRIM',
  'OP_GUEST_POWER',
  'OP_GUEST_SET_MEMBLOCKS',
  'OP_GUEST_SET_PASSWORD',
  'OP_GUEST_SET_TIME',
  'OP_GUEST_SET_VCPUS',
  'OP_GUEST_SSH_KEYS',
];

/** Types that Ganeti writes as the checks that it makes; ours are in words. */
const ownNotation = [
  '* depends',
  'OP_NODE_QUERY_STORAGE storage_type',
  'OP_NODE_MODIFY_STORAGE storage_type',
  'OP_REPAIR_NODE_STORAGE storage_type',
];

/** The members of a OneOf stand in any order. */
const sortedChoice = (type: string) =>
  type.replace(/OneOf ([\w, -]+)/g, (_, list: string) => `OneOf ${list.split(', ').sort().join(', ')}`);

function compareParams(where: string, ours: Params, theirs: readonly GanetiParam[]): void {
  assert.deepEqual(Object.keys(ours).sort(), theirs.map(({ name }) => name).sort(), `${where}: names`);
  for (const their of theirs) {
    const our = ours[their.name] as Param;
    const what = `${where} ${their.name}`;
    assert.equal(our.required, their.required === true, `${what}: required`);
    if (!our.required) assert.deepEqual(our.default, their.default, `${what}: default`);
    if (ownNotation.includes(what)) assert.notEqual(our.type, their.type, `${what}: needs no exception`);
    else assert.equal(sortedChoice(our.type), sortedChoice(their.type), `${what}: type`);
  }
}

describe('the opcodes are those of Ganeti 3.0', () => {
  it('the common parameters', () => compareParams('*', commonParams, ganeti.common));

  it('but for our own, which exist and are none of its', () => {
    for (const id of ownOpcodes) {
      assert.ok(Object.hasOwn(opcodes, id), `there is no opcode ${id}`);
      assert.ok(!Object.hasOwn(ganeti.opcodes, id), `${id} is one of Ganeti's`);
    }
  });

  for (const [id, opcode] of all.filter(([id]) => !ownOpcodes.includes(id)))
    it(`${id}: parameters, defaults and the summary`, () => {
      const their = ganeti.opcodes[id];
      assert.ok(their, 'Ganeti has no such opcode: list it among our own');
      const own = their.params.filter(({ name }) => !Object.hasOwn(commonParams, name));
      compareParams(id, opcode.params, own);
      assert.equal(opcode.summaryField, their.summary_field);
    });

  /** How Ganeti names the results that ours must have. */
  const results: Record<string, readonly unknown[]> = {
    None: [null],
    Boolean: [true, false],
    'List of NonEmptyString': [[], ['node1.example.com']],
  };
  for (const [id, opcode] of all) {
    const values = results[ganeti.opcodes[id]?.result ?? ''];
    if (values)
      it(`${id}: the result`, () => {
        for (const value of values) assert.ok(opcode.result.safeParse(value).success, JSON.stringify(value));
        for (const value of [7, {}, 'text', [[]]])
          assert.ok(!opcode.result.safeParse(value).success, JSON.stringify(value));
      });
  }
});

/** What the kinds of values accept and refuse, by Ganeti's notation. */
const samples: Record<string, { good: unknown[]; bad: unknown[] }> = {
  String: { good: ['', 'x'], bad: [1, true, ['x']] },
  NonEmptyString: { good: ['x'], bad: ['', 1, {}] },
  Boolean: { good: [true, false], bad: [0, 1, 'true'] },
  Integer: { good: [0, -3], bad: [1.5, '1', true] },
  EqualOrGreaterThanZero: { good: [0, 120], bad: [-1, 1.5, '1'] },
  Float: { good: [0, 1.5, 2], bad: ['1.5', true] },
  'List of Anything': { good: [[], [1, 'x']], bad: ['x', {}] },
  'List of NonEmptyString': { good: [[], ['x']], bad: [[''], [1], 'x'] },
  'List of String': { good: [[], ['', 'x']], bad: [[1], 'x'] },
  [kinds.dict.type]: { good: [{}, { a: 1 }], bad: [[], 'x', 3] },
  [kinds.privateDict.type]: { good: [{}, { a: 'x' }], bad: [[], 'x', 3] },
};

/** The kind without "None or", and whether null is allowed. */
function kindOf(type: string): [string, boolean] {
  const match = /^None or (?:\((.*)\)|(.*))$/s.exec(type);
  return match ? [match[1] ?? match[2] ?? '', true] : [type, false];
}

describe('every opcode', () => {
  for (const [id, opcode] of all)
    describe(id, () => {
      const example = { OP_ID: id, ...opcode.example };

      it('is registered under its own id, with a unit', () => {
        assert.equal(opcode.id, id);
        const unit = unitOf(id) as unknown as { opcode: Opcode };
        assert.equal(unit.opcode, opcode);
      });

      it('accepts its example and fills in every default', () => {
        const values = parseOp(opcode, example);
        assert.deepEqual(Object.keys(values).sort(), ['OP_ID', ...Object.keys(allParams(opcode))].sort());
        for (const [name, value] of Object.entries(opcode.example))
          assert.deepEqual(values[name], value, name);
      });

      it('has defaults that it would accept', () => {
        for (const [name, param] of Object.entries(allParams(opcode)))
          if (!param.required) assert.ok(param.schema.safeParse(param.default).success, name);
      });

      it('refuses what it does not know, and what is missing, by name', () => {
        assert.throws(() => parseOp(opcode, { ...example, nonsense: 1 }), /unknown parameter 'nonsense'/);
        for (const [name, param] of Object.entries(opcode.params)) {
          if (!param.required) continue;
          const without = Object.fromEntries(Object.entries(example).filter(([key]) => key !== name));
          assert.throws(
            () => parseOp(opcode, { OP_ID: id, ...without }),
            new RegExp(`missing parameter '${name}'`),
          );
        }
      });

      it('refuses values of no kind', () => {
        for (const name of Object.keys(allParams(opcode)))
          assert.throws(
            () => parseOp(opcode, { ...example, [name]: () => undefined }),
            new RegExp(`parameter '${name}' must be`),
          );
      });

      it('accepts the values that the types of its parameters say, and no others', () => {
        for (const [name, { type, schema }] of Object.entries(allParams(opcode))) {
          const [kind, isNullable] = kindOf(type);
          const choice = /^OneOf ([a-z][\w, -]*)$/.exec(kind)?.[1]?.split(', ');
          const { good, bad } = samples[kind] ?? { good: choice ?? [], bad: ['', 'no such choice', {}, []] };
          for (const value of good)
            assert.ok(schema.safeParse(value).success, `${name} ${JSON.stringify(value)}`);
          for (const value of samples[kind] || choice ? bad : [])
            assert.ok(!schema.safeParse(value).success, `${name} ${JSON.stringify(value)}`);
          assert.equal(schema.safeParse(null).success, isNullable, `${name} null`);
        }
      });

      it('describes itself and every parameter in a sentence', () => {
        for (const text of [opcode.summary, ...Object.values(allParams(opcode)).map((param) => param.doc)])
          assert.match(text, /^[A-Z][^\n]*\.$/);
      });

      it('keeps private values secret', () => {
        for (const [name, param] of Object.entries(opcode.params))
          if (param.type.includes(kinds.privateDict.type)) assert.ok(param.secret, name);
      });

      it('stands in files of one name, and in the generated documentation', () => {
        const { opcode: definition, unit } = sourcesOf(id);
        assert.equal(unit, definition.replace('lib/opcodes/', 'lib/units/'));
        const [noun, ...verb] = id.replace(/^OP_/, '').toLowerCase().split('_');
        assert.equal(definition, `lib/opcodes/${noun}/${verb.join('-')}.ts`);
        assert.match(generatedDocs().get('docs/generated/opcodes.md') ?? '', new RegExp(`^## ${id}$`, 'm'));
      });
    });
});
