import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { opcodeOf, opcodes } from '../../lib/opcodes/registry.ts';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import { pathPattern } from '../../lib/surfaces/rapi/resource.ts';
import { generatedDocs } from '../../scripts/render.ts';

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

const methods = resources.flatMap((resource) =>
  Object.entries(resource.methods).map(([name, method]) => ({ resource, name, method })),
);

describe('the resources are those of Ganeti 3.0', () => {
  for (const { resource, name, method } of methods)
    it(`${name} ${resource.path}`, () => {
      const their = ganeti.find(({ path }) => path === ganetiPath(resource.path))?.methods[name];
      assert.ok(their, 'Ganeti has no such method');
      assert.equal(method.access, accessOf[their.access.sort().join()], 'who may');
      assert.equal(method.opcode, their.submits_job ? their.opcode : null, 'the opcode of the job');
      if (method.opcode === null) return;
      assert.ok(Object.hasOwn(opcodes, method.opcode), 'the opcode exists');
      assert.equal(method.access, opcodeOf(method.opcode).access ?? 'write', 'who may submit the opcode');
    });
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
    const page = generatedDocs().get('docs/generated/rapi.md') ?? '';
    for (const { resource, name } of methods)
      assert.ok(page.includes(`| \`${resource.path}\` | ${name} |`), `${name} ${resource.path}`);
  });
});
