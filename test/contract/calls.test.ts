import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { calls } from '../../lib/rpc/registry.ts';
import { generatedDocs } from '../../scripts/render.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('every call between master and node worker', () => {
  for (const [name, call] of Object.entries(calls))
    describe(name, () => {
      const [noun] = name.split('.');

      it('is registered under its own name, in the file of its noun', () => {
        assert.equal(call.name, name);
        assert.match(name, /^[a-z]+\.[a-z]+$/);
        assert.ok(read(`lib/rpc/calls/${noun}.ts`).includes(`name: '${name}'`));
      });

      it('has its handler in the file of the same noun; the compiler checks the types', () => {
        assert.ok(read(`lib/node/executors/${noun}.ts`).includes(`'${name}':`));
      });

      it('describes itself in sentences, here and in the generated documentation', () => {
        assert.match(call.summary, /^[A-Z][^\n]*\.$/);
        const section = `## ${name}\n\n${call.summary}\n`;
        assert.ok(generatedDocs().get('docs/generated/calls.md')?.includes(section));
      });

      it('refuses parameters that it does not know, for a typing error must not pass in silence', () => {
        const parsed = call.params.safeParse({ nonsense: 1 });
        const codes = parsed.error?.issues.map((issue) => issue.code) ?? [];
        assert.ok(codes.includes('unrecognized_keys'), codes.join());
      });

      it('is waited for', () => assert.ok(call.timeout >= 1000 && Number.isFinite(call.timeout)));
    });
});
