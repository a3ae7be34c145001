// Compares the table of QMP with what the installed QEMU tells of itself (query-qmp-schema): that each command and event is there,
// takes what it is given, and answers with what is read of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import type { Command } from '../../../../lib/node/hypervisors/kvm/channel.ts';
import { qmpCommands, qmpEvents } from '../../../../lib/node/hypervisors/kvm/qmp-table.ts';
import { Resources } from '../../helpers.ts';
import { askQemu, QEMU } from '../kvm-helpers.ts';

/** A type, command or event in QEMU's description of itself. */
const Entity = z.object({
  name: z.string(),
  'meta-type': z.string(),
  'arg-type': z.string().optional(),
  'ret-type': z.string().optional(),
  'element-type': z.string().optional(),
  'json-type': z.string().optional(),
  /** A member with a default may be left out. */
  members: z.array(z.looseObject({ name: z.string().optional(), type: z.string().optional() })).optional(),
  variants: z.array(z.object({ type: z.string() })).optional(),
  values: z.array(z.string()).optional(),
});
type Entity = z.infer<typeof Entity>;

/** What is looked at of the JSON schema of a part of the table. */
interface Form {
  type?: string;
  properties?: Record<string, Form>;
  required?: string[];
  items?: Form;
  const?: string;
}

const formOf = (schema: z.ZodType): Form => z.toJSONSchema(schema, { io: 'input' }) as Form;

describe('the table of QMP', () => {
  const resources = new Resources();
  after(() => resources.close());
  let entities: Map<string, Entity>;

  before(async () => {
    const socket = join(await resources.folder(), 'qmp');
    const machine = ['-S', '-nodefaults', '-display', 'none', '-machine', 'none'];
    const qemu = spawn(QEMU, [...machine, '-qmp', `unix:${socket},server=on,wait=off`], { stdio: 'ignore' });
    resources.add(async () => {
      if (qemu.exitCode === null && qemu.kill('SIGKILL')) await once(qemu, 'exit');
    });
    const answer = await askQemu(socket, 'query-qmp-schema');
    entities = new Map(
      z
        .array(Entity)
        .parse(answer)
        .map((entity) => [entity.name, entity]),
    );
  });

  const entityOf = (name: string | undefined): Entity =>
    entities.get(name ?? '') ?? assert.fail(`QEMU has no ${name}`);

  /** The members of a type, with those of all its variants; of these none must be there. */
  function membersOf(entity: Entity): Map<string, { type: string; optional: boolean }> {
    const own = (entity.members ?? []).map(
      ({ name, type, ...rest }): [string, { type: string; optional: boolean }] => [
        name ?? '',
        { type: type ?? '', optional: 'default' in rest },
      ],
    );
    const others = (entity.variants ?? []).flatMap(({ type }) =>
      [...membersOf(entityOf(type))].map(([name, member]): (typeof own)[number] => [
        name,
        { ...member, optional: true },
      ]),
    );
    return new Map([...others, ...own]);
  }

  /** What is wrong with a form of the table for values of one of QEMU's types; `sent` tells in which direction they go. */
  function problems(form: Form, entity: Entity, sent: boolean, place: string): string[] {
    const kind = entity['meta-type'];
    if (form.type === undefined && form.const === undefined) return []; // nothing is read of it
    if (kind === 'array')
      return form.type === 'array'
        ? problems(form.items ?? {}, entityOf(entity['element-type']), sent, `${place}[]`)
        : [`${place} is a list`];
    if (kind === 'enum') {
      const known = form.const === undefined || entity.members?.some(({ name }) => name === form.const);
      return form.type === 'string' && (known || entity.values?.includes(form.const ?? ''))
        ? []
        : [`${place} is an enum`];
    }
    if (kind === 'builtin') {
      const type = entity['json-type'] === 'int' ? ['integer', 'number'] : [entity['json-type']];
      return type.includes(form.type) ? [] : [`${place} is of type ${entity['json-type']}, not ${form.type}`];
    }
    if (form.type !== 'object') return [`${place} is of the kind ${kind}`];
    const members = membersOf(entity);
    const must = new Set(form.required ?? []);
    const missing = [...members]
      .filter(([name, { optional }]) => sent && !optional && !must.has(name))
      .map(([name]) => `${place}.${name} must be given`);
    const wrong = Object.entries(form.properties ?? {}).flatMap(([name, inner]) => {
      const member = members.get(name);
      if (!member) return [`${place} has no ${name}`];
      if (!sent && member.optional && must.has(name)) return [`${place}.${name} may be missing`];
      return problems(inner, entityOf(member.type), sent, `${place}.${name}`);
    });
    return [...missing, ...wrong];
  }

  const commands: [string, Command][] = Object.entries(qmpCommands);
  for (const [name, { args, result, timeout, size }] of commands)
    it(`has the command ${name} as QEMU has it, with limits`, () => {
      const command = entityOf(name);
      assert.equal(command['meta-type'], 'command');
      assert.deepEqual(problems(formOf(args), entityOf(command['arg-type']), true, 'arguments'), []);
      assert.deepEqual(problems(formOf(result), entityOf(command['ret-type']), false, 'result'), []);
      assert.ok(timeout > 0 && timeout <= 60_000 && size > 0 && size <= 4 * 1024 * 1024);
    });

  for (const [name, data] of Object.entries(qmpEvents))
    it(`has the event ${name} as QEMU has it`, () => {
      const event = entityOf(name);
      assert.equal(event['meta-type'], 'event');
      assert.deepEqual(problems(formOf(data), entityOf(event['arg-type']), false, 'data'), []);
    });

  it('is compared with care: wrong forms are found', () => {
    const wrong: [string, z.ZodType, boolean, RegExp][] = [
      ['block_resize', z.object({ 'node-nam': z.string(), size: z.number() }), true, /has no node-nam/],
      ['block_resize', z.object({ size: z.string() }), true, /size is of type int, not string/],
      ['device_del', z.object({}), true, /id must be given/],
      [
        'set_password',
        z.object({ protocol: z.literal('ssh'), password: z.string() }),
        true,
        /protocol is an enum/,
      ],
      ['query-vnc', z.object({ host: z.string() }), false, /host may be missing/],
      ['query-pci', z.object({}), false, /is a list/],
      [
        'query-pci',
        z.array(z.object({ devices: z.array(z.object({ id: z.number() })) })),
        false,
        /id is of the kind object/,
      ],
    ];
    for (const [name, schema, sent, message] of wrong) {
      const { 'arg-type': args, 'ret-type': result } = entityOf(name);
      assert.match(problems(formOf(schema), entityOf(sent ? args : result), sent, 'it').join(), message);
    }
  });
});
