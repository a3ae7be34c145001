import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import { describeFields, resources } from '../../lib/query/resources.ts';

/** [name, title, kind] of each field, as a Ganeti 3.0 cluster lists them. */
const recorded = JSON.parse(readFileSync(new URL('fields.json', import.meta.url), 'utf8')) as Record<
  string,
  [string, string, string][]
>;

describe('query/fields', () => {
  for (const [resource, expected] of Object.entries(recorded))
    it(`lists the fields of ${resource} as recorded`, () => {
      const { fields } = describeFields(resource, null);
      assert.deepEqual(
        fields.map(({ name, title, kind }) => [name, title, kind]),
        expected,
      );
    });

  it('has recordings of every resource that Ganeti answers for', () => {
    const others = ['cluster', 'os'];
    const names = Object.keys(resources).filter((name) => !others.includes(name));
    assert.deepEqual(names.sort(), Object.keys(recorded).sort());
  });

  it('describes each field in one sentence', () => {
    for (const resource of Object.keys(resources))
      for (const { name, doc } of describeFields(resource, null).fields)
        assert.match(doc, /^[A-Z][^#]+\.$/, `${resource} ${name}`);
  });

  it('answers with the named fields in their order, unknown and repeated ones as well', () => {
    const { fields } = describeFields('instance', ['status', 'nosuch', 'status', 'hv/migration_mode']);
    assert.deepEqual(
      fields.map(({ name, title, kind }) => [name, title, kind]),
      [
        ['status', 'Status', 'text'],
        ['nosuch', 'nosuch', 'unknown'],
        ['status', 'Status', 'text'],
        ['hv/migration_mode', 'hv/migration_mode', 'unknown'],
      ],
    );
    assert.deepEqual(Object.keys(fields[0] ?? {}), ['name', 'title', 'kind', 'doc']);
    assert.deepEqual(describeFields('node', []).fields, []);
  });

  it('refuses a resource that does not exist, names of object members included', () => {
    for (const name of ['unknown', '', 'constructor', '__proto__', 'toString'])
      assert.throws(
        () => describeFields(name, null),
        (error) =>
          error instanceof MerapiError &&
          error.code === 'wrong_input' &&
          /instance, node/.test(error.message),
      );
  });
});
