import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkNewNodes, localName } from '../../lib/app/cluster-file.ts';

const nodesOf = (...names: string[]) => names.map((name) => ({ name, primary_ip: '192.0.2.1' }));

describe('names of new nodes', () => {
  it('are those of no role', () => {
    checkNewNodes(nodesOf('node1', 'master.example.com'));
    for (const name of ['master', 'ca', 'api', 'rapi'])
      assert.throws(() => checkNewNodes(nodesOf('node1', name)), {
        code: 'configuration',
        message: `The cluster file is invalid: A node cannot be called '${name}', which is a role in the cluster; use another name, such as '${name}1' or '${name}.example.com'`,
      });
  });

  it('are that of this machine as far as it can be one', () => {
    const names: [string, string][] = [
      ['Host1.example.com', 'host1.example.com'],
      ['my host', 'my-host'],
      ['', 'localhost'],
      ['master', 'node-master'],
      ['3b241101-e2bb-4255-8caf-4136c566a962', 'node-3b241101-e2bb-4255-8caf-4136c566a962'],
    ];
    for (const [host, name] of names) assert.equal(localName(host), name);
  });
});
