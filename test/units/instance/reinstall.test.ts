import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

describe('a reinstallation of a running instance', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make();
    await f.cluster.done(create({ start: true }));
  });
  after(() => f.close());

  const shutdown = { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name };
  const startup = { OP_ID: 'OP_INSTANCE_STARTUP', instance_name };
  const reinstall = (over: object = {}) => ({ OP_ID: 'OP_INSTANCE_REINSTALL', instance_name, ...over });
  const status = async () => {
    const { data } = await f.cluster.manager.query(SYSTEM, 'instance', ['status'], null);
    return data[0]?.[0]?.[1];
  };

  const wrong: [string, object, string, RegExp][] = [
    ['an unknown OS', { os_type: 'nosuch' }, 'execution', /has no OS definition 'nosuch'/],
    ['an unknown variant', { os_type: 'plain+nosuch' }, 'execution', /has no variant/],
  ];
  for (const [what, over, code, message] of wrong)
    it(`with ${what} fails before the guest is stopped`, async () => {
      const { view } = f.cluster.store;
      const { status: end, ops } = await f.cluster.run(shutdown, reinstall(over), startup);
      assert.equal(end, 'error');
      assert.deepEqual(
        ops.map((op) => op.status),
        ['error', 'error', 'error'],
      );
      assert.equal(ops[0]?.failure?.code, code);
      assert.match(ops[0]?.failure?.message ?? '', message);
      assert.match(ops[0]?.failure?.message ?? '', /^Nothing was done, since OP_INSTANCE_REINSTALL later/);
      assert.equal(f.cluster.store.view, view);
      assert.equal(await status(), 'running');
    });

  it('is not foreseen where an opcode before it decides what comes out', async () => {
    const rename = { OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, os_name: 'nosuch' };
    const { ops } = await f.cluster.run(shutdown, rename, reinstall({}), startup);
    assert.deepEqual(
      ops.map((op) => op.status),
      ['success', 'success', 'error', 'error'],
    );
    await f.cluster.done({ OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, os_name: 'plain' }, startup);
  });

  it('is done in one job with the shutdown and the start', async () => {
    await f.cluster.done(shutdown, reinstall(), startup);
    assert.equal(await status(), 'running');
  });
});
