import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueFrom } from '../../../lib/cli/commands/values.ts';
import { allParams, type Opcode } from '../../../lib/opcodes/define.ts';
import { opcodes } from '../../../lib/opcodes/registry.ts';

const create = allParams(opcodes.OP_INSTANCE_CREATE as unknown as Opcode);
const read = (name: string, ...texts: string[]) => {
  const param = create[name] ?? assert.fail(name);
  return valueFrom(name, param, texts);
};

describe('values of the command line', () => {
  it('are of the type of their parameter', () => {
    assert.equal(read('os_type', '42'), '42');
    assert.equal(read('source_shutdown_timeout', '42'), 42);
    assert.equal(read('force_variant', 'yes'), true);
    assert.equal(read('force_variant', 'false'), false);
    assert.equal(read('comment', 'none'), 'none');
    assert.equal(read('priority', '-10'), -10);
    assert.deepEqual(read('depends', '[[3, ["success"]]]'), [[3, ['success']]]);
  });

  it('may be lists and dictionaries in short form or as JSON', () => {
    assert.deepEqual(read('beparams', 'memory=512,always_failover=true'), {
      memory: 512,
      always_failover: true,
    });
    assert.deepEqual(read('beparams', '{"memory": "1G"}'), { memory: '1G' });
    assert.deepEqual(read('tags', 'a,b'), ['a', 'b']);
    assert.deepEqual(read('tags', 'a', 'b,c'), ['a', 'b,c']);
    assert.deepEqual(read('disks', 'size=1G', 'size=512,mode=ro'), [
      { size: '1G' },
      { size: 512, mode: 'ro' },
    ]);
    assert.deepEqual(read('disks', 'size=1G'), [{ size: '1G' }]);
    assert.deepEqual(read('nics', 'vlan=100,link=br0'), [{ vlan: '100', link: 'br0' }]);
  });

  it('are refused with what is right, an example and what was given, unless that is secret', () => {
    for (const [name, text, message] of [
      ['force_variant', 'perhaps', 'It must be true or false, e.g. true, not "perhaps".'],
      ['source_shutdown_timeout', '-1', 'It must be an integer of at least 0, e.g. 1, not "-1".'],
      ['mode', 'copy', 'It must be one of create, import, remote-import, e.g. create, not "copy".'],
      [
        'osparams_private',
        'T0pS3cret',
        /^It must be an object.*, e\.g\. '\{"password":"SECRET"\}', not what was given\.$/,
      ],
      ['disks', 'big', /^It must be a list of objects .*, e\.g\. '\[\{"size":1024\}\]', not "big"\.$/],
    ] as const)
      assert.throws(() => read(name, text), { message });
  });
});
