import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { opcodeOf, opcodes } from '../../lib/opcodes/registry.ts';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import { pathPattern } from '../../lib/surfaces/rapi/resource.ts';
import type { JsonText } from '../../lib/surfaces/rapi/stream.ts';
import { generatedDocs } from '../../scripts/render.ts';

interface Operation {
  operationId: string;
  parameters: { name: string; in: string }[];
}

interface GanetiMethod {
  access: string[];
  opcode?: string;
  submits_job: boolean;
}

/** The resources of Ganeti 3.0.2. */
const ganeti: { path: string; methods: Record<string, GanetiMethod> }[] = JSON.parse(
  readFileSync(new URL('./resources.json', import.meta.url), 'utf8'),
);

/** Our path as Ganeti writes it: a regular expression where something varies. */
function ganetiPath(path: string): string {
  if (!path.includes('{')) return path;
  return `^${path.replaceAll('{name}', '([\\w\\._-]+)').replaceAll('{id}', '(\\d+)')}$`;
}

const accessOf: Record<string, string> = { '': 'look', 'read,write': 'read', write: 'write' };

/** Paths that Ganeti 3.0 does not have. */
const ours = [
  '/2/openapi.json',
  '/2/duties',
  '/2/duties/{name}',
  '/2/events',
  '/2/traffic',
  '/2/queue',
  '/2/queue/archive',
  '/2/jobs/{id}/why',
  '/2/jobs/{id}/archive',
  '/2/instances/{name}/move',
  '/2/instances/{name}/change-group',
  '/2/groups/{name}/evacuate',
];
/** Methods that later releases of Ganeti have, with the opcodes behind them. */
const later: Record<string, string> = { 'DELETE /2/instances/{name}/export': 'OP_BACKUP_REMOVE' };

const isOurs = (path: string) => ours.includes(path) || path.startsWith('/2/instances/{name}/guest');

const methods = resources.flatMap((resource) =>
  Object.entries(resource.methods).map(([name, method]) => ({ resource, name, method })),
);

describe('the resources are those of Ganeti 3.0', () => {
  for (const { resource, name, method } of methods.filter(({ resource }) => !isOurs(resource.path)))
    it(`${name} ${resource.path}`, () => {
      const opcode = later[`${name} ${resource.path}`];
      if (opcode !== undefined) return assert.equal(method.opcode, opcode);
      const their = ganeti.find(({ path }) => path === ganetiPath(resource.path))?.methods[name];
      assert.ok(their, 'Ganeti has no such method');
      assert.equal(method.access, accessOf[their.access.sort().join()], 'who may');
      assert.equal(method.opcode, their.submits_job ? their.opcode : null, 'the opcode of the job');
      if (method.opcode === null) return;
      assert.ok(Object.hasOwn(opcodes, method.opcode), 'the opcode exists');
      assert.equal(method.access, opcodeOf(method.opcode).access ?? 'write', 'who may submit the opcode');
    });
});

it('every resource and method of Ganeti 3.0 is there', () => {
  const known = methods.map(({ resource, name }) => `${name} ${ganetiPath(resource.path)}`);
  const missing = ganeti.flatMap(({ path, methods }) =>
    Object.keys(methods)
      .filter((name) => !known.includes(`${name} ${path}`))
      .map((name) => `${name} ${path}`),
  );
  assert.deepEqual(missing, []);
});

describe('the resources', () => {
  it('have names and paths of their own', () => {
    for (const key of ['name', 'path'] as const)
      assert.equal(new Set(resources.map((resource) => resource[key])).size, resources.length, key);
  });

  it('are found by no path but their own', () => {
    for (const { path } of resources) {
      const sample = path.replaceAll('{name}', 'web1.example.com').replaceAll('{id}', '17');
      const found = resources.filter((other) => pathPattern(other.path).test(sample));
      assert.deepEqual(
        found.map((other) => other.path),
        [path],
        sample,
      );
    }
  });

  it('stand in the generated documentation', () => {
    const page = generatedDocs().get('docs/rapi.md') ?? '';
    for (const { resource, name } of methods)
      assert.ok(page.includes(`### ${name} ${resource.path}\n`), `${name} ${resource.path}`);
  });

  it('say what they do, what they answer, and give an example that fits the path', () => {
    for (const { resource, name, method } of methods) {
      const title = `${name} ${resource.path}`;
      assert.ok(method.doc || method.opcode, `${title} has no sentence`);
      assert.ok(method.answer || method.opcode, `${title} does not say what it answers`);
      const items = resource.path.match(/\{/g)?.length ?? 0;
      if (method.example) assert.equal(method.example.items.length, items, `the example of ${title}`);
      if (method.example?.body !== undefined) {
        const { success, error } = method.body?.safeParse(method.example.body) ?? {};
        assert.ok(success, `the body of the example of ${title}: ${error?.message}`);
      }
    }
  });

  it('stand in the OpenAPI document, each operation with a name of its own', () => {
    const about = resources.find(({ path }) => path === '/2/openapi.json')?.methods.GET;
    const answer = about?.handle({} as never) as JsonText | undefined;
    const document: { paths: Record<string, Record<string, Operation>> } = JSON.parse(answer?.text ?? '');
    assert.doesNotThrow(() => JSON.stringify(document));
    const operations = methods.map(({ resource, name }) => {
      const operation = document.paths[resource.path]?.[name.toLowerCase()];
      assert.ok(operation, `${name} ${resource.path}`);
      const items = operation.parameters.filter((parameter) => parameter.in === 'path');
      assert.equal(items.length, resource.path.match(/\{/g)?.length ?? 0);
      return operation.operationId;
    });
    assert.equal(new Set(operations).size, operations.length);
  });
});
