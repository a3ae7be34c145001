import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import type { Resource } from '../../lib/surfaces/rapi/resource.ts';

const folder = new URL('../../lib/surfaces/rapi/resources/', import.meta.url);

/** The paths of the cluster and of the API itself, which have no noun. */
const ofCluster = ['/', '/2', '/version', '/2/info', '/2/features', '/2/modify', '/2/redistribute-config'];

/** Which file, or folder, has a path. */
function nounOf(path: string): string {
  if (ofCluster.includes(path)) return 'cluster';
  if (path.endsWith('/tags')) return 'tags';
  if (path === '/2/instances-multi-alloc') return 'instances';
  return path.split('/')[2] ?? '';
}

describe('the resources of the RAPI', () => {
  it('stand in one file, or one folder, for each noun', async () => {
    const found: [path: string, noun: string][] = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const file = entry.isDirectory() ? `${entry.name}/index.ts` : entry.name;
      const exported = Object.values(await import(new URL(file, folder).href)) as (readonly Resource[])[];
      assert.equal(exported.length, 1, `${file} exports its resources and nothing else`);
      for (const { path } of exported.flat()) found.push([path, entry.name.replace(/\.ts$/, '')]);
    }
    for (const [path, noun] of found) assert.equal(noun, nounOf(path), path);
    const all = resources.map(({ path }) => path).filter((path) => path !== '/2/openapi.json');
    assert.deepEqual(found.map(([path]) => path).sort(), all.sort());
  });
});
