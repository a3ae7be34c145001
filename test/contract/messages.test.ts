import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import type { Param } from '../../lib/model/params.ts';
import { allParams, type Opcode, parseOp } from '../../lib/opcodes/define.ts';
import { exampleFor } from '../../lib/opcodes/examples.ts';
import { opcodes } from '../../lib/opcodes/registry.ts';

/** Stands in every wrong value of a secret parameter and may stand in no message. */
const CANARY = 'T0pS3cret';

/** Wrong values of each kind; which of them are wrong for a parameter its schema says. */
const wrong: unknown[] = [
  ...[null, true, 7, -7, 1.5, `${CANARY}`, '', '7', 'true'],
  ...[[], [7], [CANARY], [[CANARY]], [null], [{}], [{ size: CANARY }], [{ mode: CANARY, size: 1 }]],
  ...[[['add', -1, { [CANARY]: { x: 1 } }]], [['explode', 0, {}]], [[CANARY, CANARY, CANARY]]],
  ...[{}, { a: null }, { a: { b: null } }, { a: CANARY }, { drbd: CANARY }, { mac: 7 }, { size: CANARY }],
];

/** Values whose texts no program could be given. */
const bad = (of: (text: string) => unknown): [what: string, value: unknown][] => [
  ['NUL', of(`${CANARY}\0x`)],
  ['bell', of(`${CANARY}\x07x`)],
  ['half a character', of(`${CANARY}\ud800`)],
  ['too long', of(CANARY.repeat(20_000))],
];

/** Ganeti's notation, zod's words and the names of system errors. */
const notation =
  /Dictionary|List of|OneOf|NonEmptyString|EqualOrGreater|None or|Anything|Tuple|invalid_|expected|Invalid|received|undefined|zod|\bE[A-Z]{4,}\b|SyntaxError|TypeError/;

const all = Object.values(opcodes as unknown as Record<string, Opcode>);

function refusal(opcode: Opcode, name: string, value: unknown): string | null {
  try {
    parseOp(opcode, { OP_ID: opcode.id, ...opcode.example, [name]: value });
    return null;
  } catch (error) {
    assert.ok(error instanceof MerapiError, String(error));
    assert.equal(error.code, 'wrong_input');
    return error.message;
  }
}

/** The values that stand somewhere in a value, as messages would show them. */
function* partsOf(value: unknown): Generator<string> {
  yield JSON.stringify(value);
  if (typeof value === 'object' && value !== null)
    for (const [key, part] of Object.entries(value)) {
      yield JSON.stringify(key);
      yield* partsOf(part);
    }
}

function check(opcode: Opcode, name: string, param: Param, value: unknown): void {
  const message = refusal(opcode, name, value);
  const where = `${opcode.id} ${name} = ${JSON.stringify(value)}: ${message}`;
  assert.ok(message !== null, where);
  assert.ok(message.startsWith(`${opcode.id}: parameter '${name}' must be `), where);
  assert.doesNotMatch(message.replaceAll(opcode.id, '').replaceAll(CANARY, ''), notation, where);
  assert.match(message, /, e\.g\. ./, where);
  assert.doesNotMatch(message, /e\.g\. (undefined|nothing)/, where);
  assert.ok(message.length < 800, where);
  if (param.secret) assert.doesNotMatch(message, new RegExp(CANARY), where);
  else
    assert.ok(
      [...partsOf(value)].some((part) => message.includes(part)),
      where,
    );
}

describe('a wrong value of a parameter is told with its place, itself and what is right', () => {
  for (const opcode of all)
    it(opcode.id, () => {
      for (const [name, param] of Object.entries(allParams(opcode))) {
        const right = exampleFor(name, param, opcode.example[name]);
        assert.ok(param.schema.safeParse(right).success, `${name}: the example is wrong`);
        const found = wrong.filter((value) => !param.schema.safeParse(value).success);
        assert.ok(found.length > 0, `${name} takes everything`);
        for (const value of found) check(opcode, name, param, value);
      }
    });
});

describe('a text that no program could be given is refused wherever it stands', () => {
  for (const opcode of all)
    it(opcode.id, () => {
      for (const [name, param] of Object.entries(allParams(opcode))) {
        const forms: ((text: string) => unknown)[] = [
          (text) => text,
          (text) => [text],
          (text) => ({ key: text }),
          (text) => ({ key: { deep: text } }),
          (text) => [{ size: 1, name: text }],
          (text) => [{ name: text }],
          (text) => ({ [text]: 'value' }),
          (text) => [['add', -1, { size: 1, name: text }]],
          (text) => [['modify', text, { name: 'x' }]],
        ];
        for (const form of forms) {
          if (!param.schema.safeParse(form('name')).success) continue;
          assert.equal(refusal(opcode, name, form('name')), null);
          for (const [what, value] of bad(form)) {
            const message = refusal(opcode, name, value);
            assert.ok(message, `${opcode.id} ${name} takes ${what}`);
            assert.ok(message.includes(`'${name}'`));
            if (param.secret && !Object.keys(Object(value)).join().includes(CANARY))
              assert.doesNotMatch(message, new RegExp(CANARY));
          }
          const proto = JSON.parse(
            `{"value": ${JSON.stringify(form('name')).replace('"key"', '"__proto__"')}}`,
          );
          if (JSON.stringify(proto.value) !== JSON.stringify(form('name')))
            assert.match(refusal(opcode, name, proto.value) ?? '', /__proto__/);
        }
      }
    });
});

it('remarks and parameters of an OS may have several lines, names may not', () => {
  const create = opcodes.OP_INSTANCE_CREATE as unknown as Opcode;
  const key = 'line 1\nline 2\ttab\r\n';
  for (const [name, value] of Object.entries({
    comment: key,
    reason: [['user', key, 1]],
    osparams: { key },
    osparams_private: { key },
    osparams_secret: { key },
    source_x509_ca: key,
  }))
    assert.equal(refusal(create, name, value), null, name);
  for (const [name, value] of Object.entries({
    instance_name: key,
    disks: [{ size: 1, name: key }],
    nics: [{ name: key }],
    hvparams: { key },
    tags: [key],
    os_type: key,
  }))
    assert.match(
      refusal(create, name, value) ?? '',
      /contains a control character \(U\+000A\) at position 7/,
      name,
    );
});

it('parameters that a script gets together have together a limit', () => {
  const create = opcodes.OP_INSTANCE_CREATE as unknown as Opcode;
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, 'x'.repeat(65_000)]));
  assert.equal(refusal(create, 'osparams', many(4)), null);
  assert.match(refusal(create, 'osparams', many(5)) ?? '', /all names and values together may have 262144/);
});

it('the example of disk parameters has parameters that exist', () => {
  const message = refusal(opcodes.OP_GROUP_ADD as unknown as Opcode, 'diskparams', 7) ?? '';
  assert.match(message, /e\.g\. \{"drbd":\{"resync-rate":1024\}\}/);
});

it('an OS parameter of an instance is not null', () => {
  const ids = ['OP_INSTANCE_CREATE', 'OP_INSTANCE_SET_PARAMS', 'OP_INSTANCE_REINSTALL'] as const;
  for (const id of ids)
    for (const name of ['osparams', 'osparams_private'])
      assert.match(
        refusal(opcodes[id] as unknown as Opcode, name, { dhcp: null }) ?? '',
        new RegExp(`${name}\\.dhcp must be a text`),
      );
  const cluster = opcodes.OP_CLUSTER_SET_PARAMS as unknown as Opcode; // there it takes the value away
  for (const name of ['osparams', 'osparams_private_cluster'])
    assert.equal(refusal(cluster, name, { debian: { dhcp: null } }), null);
});
