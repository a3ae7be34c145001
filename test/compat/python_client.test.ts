import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../lib/base/exec.ts';
import { Programs } from '../helpers/program.ts';

describe("Debian's python3-ganeti-rapi", () => {
  const programs = new Programs();
  after(() => programs.close());
  it('can use every resource that there is', async () => {
    const cluster = await programs.clusterFile({}, 2);
    const program = await programs.up({ cluster, ssl: true });
    const script = fileURLToPath(new URL('python_client.py', import.meta.url));
    const { hostname, port } = new URL(program.url);
    // Debian's own Python: another one does not see Debian's packages.
    const { code, stdout, stderr } = await run('/usr/bin/python3', [script, hostname, port, program.ca], {
      timeout: 300_000,
    });
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.deepEqual(stdout.trim().split('\n'), [
      'cluster',
      'nodes',
      'groups',
      'instances',
      'disks',
      'exports',
      'moves',
      'networks',
      'filters',
      'changes',
      'jobs',
      'queries',
    ]);
    await program.stop();
    assert.deepEqual(program.complaints, []);
  });
});
