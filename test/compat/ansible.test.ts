import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../lib/base/exec.ts';
import { Programs } from '../helpers/program.ts';

describe("the requests of sipgate's Ansible modules", () => {
  const programs = new Programs();
  after(() => programs.close());
  it('reach every state that a playbook may ask for', async () => {
    const program = await programs.up({ cluster: await programs.clusterFile({}, 2), ssl: true });
    const script = fileURLToPath(new URL('ansible_requests.py', import.meta.url));
    const { hostname, port } = new URL(program.url);
    // Debian's own Python: another one does not see Debian's packages.
    const { code, stdout, stderr } = await run('/usr/bin/python3', [script, hostname, port, program.ca], {
      timeout: 300_000,
    });
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.deepEqual(stdout.trim().split('\n'), ['present', 'changed', 'states', 'absent', 'failing']);
    await program.stop();
    assert.equal(program.stderr, '');
  });
});
