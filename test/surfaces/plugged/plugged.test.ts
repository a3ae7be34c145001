import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { inTime } from '../../helpers/patience.ts';
import { startLines } from './surface.ts';

describe('a made-up surface, which no file of lib knows', () => {
  let cluster: TestCluster;
  let surface: Awaited<ReturnType<typeof startLines>>;
  before(async () => {
    cluster = await TestCluster.start(['node1']);
    surface = await startLines(cluster.manager, SYSTEM);
  });
  after(async () => {
    await surface.close();
    await cluster.close();
  });

  async function open() {
    const socket = connect(surface.port, '127.0.0.1');
    await once(socket, 'connect');
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => (await inTime(lines.next(), () => 'a line')).value;
    return {
      next,
      ask: (line: string) => {
        socket.write(`${line}\n`);
        return next();
      },
      close: () => socket.destroy(),
    };
  }
  const run = (op: object) => `run ${JSON.stringify(op)}`;

  it('runs jobs to their end, well or not, and reads', async () => {
    const { ask, next, close } = await open();
    assert.equal(await ask(run({ OP_ID: 'OP_GROUP_ADD', group_name: 'alpha' })), 'success');
    assert.match(await ask(run({ OP_ID: 'OP_GROUP_REMOVE', group_name: 'no' })), /^error .*'no'/);
    assert.match(await ask(run({ OP_ID: 'OP_GROUP_ADD' })), /^! wrong_input .*group_name/);
    assert.deepEqual([await ask('names group'), await next(), await next()], ['alpha', 'default', '.']);
    close();
  });

  it('changes tags without a job, and follows what happens', async () => {
    const follower = await open();
    assert.equal(await follower.ask('follow nodegroup'), 'ok');
    const { ask, close } = await open();
    const jobs = await cluster.manager.jobIds(SYSTEM);
    assert.equal(await ask('tag nodegroup default edge'), 'ok');
    assert.match(await follower.next(), /^\d+ change default$/);
    assert.deepEqual(cluster.manager.tags(SYSTEM, 'nodegroup', 'default'), ['edge']);
    assert.deepEqual(await cluster.manager.jobIds(SYSTEM), jobs);
    assert.match(await ask('tag nodegroup nosuch edge'), /^! not_found/);
    assert.match(await ask('tag nodegroup default not/a|tag'), /^! invalid_tag/);
    assert.equal(await ask(run({ OP_ID: 'OP_GROUP_ADD', group_name: 'beta' })), 'success');
    assert.match(await follower.next(), /^\d+ add beta$/);
    for (const each of [{ close }, follower]) each.close();
  });

  it('refuses a change of what has changed meanwhile', async () => {
    const group = cluster.store.view.groups.named('default');
    const object = { kind: 'nodegroup', name: 'default' } as const;
    const change = { object, add: ['twice'], remove: ['edge'], serial: group?.serial_no ?? 0 };
    await cluster.manager.change(SYSTEM, change);
    assert.deepEqual(cluster.manager.tags(SYSTEM, 'nodegroup', 'default'), ['twice']);
    await assert.rejects(cluster.manager.change(SYSTEM, change), { code: 'conflict' });
  });
});
