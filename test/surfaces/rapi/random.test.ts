import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { Client, RefusedError } from '../../../lib/client/client.ts';
import { type Route, requestOf } from '../../../lib/client/route.ts';
import { routes } from '../../../lib/client/routes.ts';
import type { Param } from '../../../lib/model/params.ts';
import { allParams, type Opcode } from '../../../lib/opcodes/define.ts';
import { type OpcodeId, opcodes } from '../../../lib/opcodes/registry.ts';
import type { RapiServer } from '../../../lib/surfaces/rapi/server.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { serveManager } from './fixture.ts';

/** Another seed gives other requests; the usual one always the same. */
const seed = Number(process.env.MERAPI_SEED ?? 1);
const runsPerOpcode = Number(process.env.MERAPI_RUNS ?? 10);

/** Words that mean something to the cluster, by what the parameter's name says. */
const vocabulary: [RegExp, readonly string[]][] = [
  [
    /^instances?$|instance_name|new_name/,
    ['web', 'web.example.com', 'db.example.com', 'new.example.com', 'nosuch'],
  ],
  [/node|primary|secondary/, ['node1', 'node2.example.com', 'node9']],
  [/group/, ['default', 'rack2', 'nosuch']],
  [/network/, ['net1', 'default', '192.0.2.0/28', '']],
  [/os_type|os_name|^os$/, ['noop', 'noop+v1', 'nosuch', '']],
  [/iallocator/, ['hail', '.', 'nosuch']],
  [/gateway|address|_ip/, ['192.0.2.1', '2001:db8::1', 'x']],
];

/** Keys of dictionaries that mean something. */
const keys = [
  'memory',
  'maxmem',
  'vcpus',
  'size',
  'mode',
  'link',
  'mac',
  'ip',
  'network',
  'name',
  'acpi',
  'kernel_path',
  'access',
  'max',
  'min',
  'spindle-ratio',
  'oob_program',
  'x',
];

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    'default',
    'none',
    'auto',
    'generate',
    'pool',
    '1G',
    '-5',
    'ä\u0000',
    'br0',
    'aa:00:00:01:02:03',
  ),
  fc.integer({ min: -3, max: 2000 }),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, min: -10, max: 1e12 }),
);
const junk = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom(...keys), scalar, { maxKeys: 2 }),
);

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
}

/** Values of a schema, most of them valid. */
function anyOf(name: string, schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => anyOf(name, each)));
  switch ([schema.type].flat()[0]) {
    case 'string': {
      const words = vocabulary.find(([pattern]) => pattern.test(name))?.[1];
      const text = fc.constantFrom('', 'a', 'default', 'x y', '../etc', 'ü', 'br0', '10G');
      return words
        ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: text })
        : text;
    }
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: -1, max: 300 });
    case 'number':
      return fc.double({ min: 0, max: 3, noNaN: true });
    case 'null':
      return fc.constant(null);
    case 'array':
      if (schema.prefixItems) return fc.tuple(...schema.prefixItems.map((each) => anyOf(name, each)));
      return fc.array(anyOf(name, schema.items ?? {}), { maxLength: 2 });
    case 'object': {
      const known = Object.entries(schema.properties ?? {});
      if (known.length > 0)
        return fc.record(Object.fromEntries(known.map(([key, each]) => [key, anyOf(key, each)])), {
          requiredKeys: schema.required ?? [],
        });
      const other = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
      const key = schema.propertyNames?.enum?.map(String) ?? keys;
      return fc.dictionary(fc.constantFrom(...key), anyOf(name, other), { maxKeys: 3 });
    }
    default:
      return junk;
  }
}

function paramValue(name: string, param: Param): fc.Arbitrary<unknown> {
  const schema = z.toJSONSchema(param.schema, { unrepresentable: 'any', io: 'input' }) as Schema;
  return fc.oneof({ weight: 30, arbitrary: anyOf(name, schema) }, { weight: 1, arbitrary: junk });
}

/** Parameters of an opcode: those that it must have, some others, rarely one that it has not. */
function paramsOf(opcode: Opcode, route: Route): fc.Arbitrary<Record<string, unknown>> {
  const params = Object.entries(allParams(opcode)).filter(
    ([name]) => !Object.hasOwn(route.fixed, name) && !['depends', 'reason', 'debug_level'].includes(name),
  );
  const needed = params
    .filter(([name, param]) => param.required || route.items.includes(name))
    .map(([name]) => name);
  const record = fc.record(
    Object.fromEntries(params.map(([name, param]) => [name, paramValue(name, param)])),
    {
      requiredKeys: needed,
    },
  );
  const some = fc.tuple(record, fc.array(fc.constantFrom(...params.map(([name]) => name)), { maxLength: 5 }));
  return some.map(([values, wanted]) =>
    Object.fromEntries(
      Object.entries(values).filter(([name]) => needed.includes(name) || wanted.includes(name)),
    ),
  );
}

describe('random requests, right and wrong', () => {
  let cluster: TestCluster;
  let server: RapiServer;
  let client: Client;
  before(async () => {
    cluster = await TestCluster.start();
    server = await serveManager(cluster.manager);
    client = new Client({ url: server.url, user: { name: 'admin', password: 'x' } });
    for (const instance_name of ['web.example.com', 'db.example.com'])
      await cluster.done({
        OP_ID: 'OP_INSTANCE_CREATE',
        instance_name,
        mode: 'create',
        disk_template: 'file',
        disks: [{ size: 1 }],
        nics: [{}],
        os_type: 'noop',
        pnode: 'node1',
        start: instance_name.startsWith('web'),
      });
  });
  after(async () => {
    await client.close();
    await server.close();
    await cluster.close();
  });

  for (const [id, route] of Object.entries(routes) as [OpcodeId, Route][])
    it(`${id}: every one is refused with a reason, or its job ends as jobs do`, async () => {
      const opcode = opcodes[id] as unknown as Opcode;
      await fc.assert(
        fc.asyncProperty(paramsOf(opcode, route), async (params) => {
          const { method, address, body } = requestOf(route, params as never);
          let job: number;
          try {
            job = (await client.ask(method, address, body)) as number;
          } catch (error) {
            assert.ok(error instanceof RefusedError, String(error));
            assert.ok(error.status >= 400 && error.status < 500, `${error.status}: ${error.message}`);
            assert.notEqual(error.message, '');
            return;
          }
          const { ops } = await cluster.ended(job);
          for (const { failure } of ops) {
            assert.notEqual(failure?.code, 'internal_error', failure?.message);
            if (failure) assert.ok(failure.message.length > 5, 'a failure says why');
          }
        }),
        { seed, numRuns: runsPerOpcode, endOnFailure: true },
      );
    });
});
