import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../../lib/base/clock.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import { Executions } from '../../../lib/node/guest/executions.ts';
import { Starts } from '../../../lib/node/guest/starts.ts';
import { Resources } from '../helpers.ts';
import { agentOf, Refusal } from './stage.ts';

const uuid = '11111111-2222-4333-8444-555555555555';

describe('programs in guests', () => {
  const resources = new Resources();
  after(() => resources.close());

  it('are waited for, and their output, which the agent gives once, is kept until the guest ends', async () => {
    const left = new Map([[7, 3]]);
    const { agent } = await agentOf(resources, (_command, { pid }) => {
      const more = left.get(pid as number);
      if (more === undefined) throw new Refusal("Invalid parameter 'pid'");
      left.set(pid as number, more - 1);
      if (more > 1) return { exited: false };
      left.delete(pid as number);
      return { exited: true, exitcode: 0, 'out-data': 'b3V0', 'out-truncated': true };
    });
    const executions = new Executions(systemClock);
    resources.add(async () => executions.close());
    const wanted = {
      ...{ pid: 7, exited: true, exitcode: 0, signal: null, out: 'b3V0', err: '' },
      ...{ out_truncated: true, err_truncated: false },
    };
    const both = await Promise.all(
      [1, 2].map(() => executions.wait(uuid, agent, { pid: 7, timeout: 60_000 })),
    );
    assert.deepEqual(both, [wanted, wanted]);
    assert.deepEqual(await executions.status(uuid, agent, 7), wanted);
    await assert.rejects(executions.status(uuid, agent, 8), {
      code: 'not_found',
      detail: "GenericError: Invalid parameter 'pid'",
    });
    executions.ended(uuid);
    await assert.rejects(executions.status(uuid, agent, 7), { code: 'not_found' });
  });

  it('are not waited for longer than is asked', async () => {
    const { agent } = await agentOf(resources, () => ({ exited: false }));
    const executions = new Executions(systemClock);
    assert.equal((await executions.wait(uuid, agent, { pid: 1, timeout: 0 })).exited, false);
    assert.equal((await executions.wait(uuid, agent, { pid: 1, timeout: 30 })).exited, false);
    const stop = AbortSignal.abort(new Error('enough'));
    await assert.rejects(executions.wait(uuid, agent, { pid: 1, timeout: 60_000, signal: stop }));
  });

  it('are started once for each call, whatever becomes of the worker', async () => {
    const folder = join(await resources.folder(), 'starts');
    let count = 0;
    const start = async () => ++count;
    const life = async () => {
      const starts = new Starts(folder, systemClock);
      await starts.open();
      return starts;
    };
    const run = randomUUID();
    assert.equal(await (await life()).once(run, start), 1);
    assert.equal(await (await life()).once(run, start), 1);
    const [asked, refused, late] = [randomUUID(), randomUUID(), randomUUID()];
    const cut = (await life()).once(asked, () => new Promise(() => undefined));
    cut.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await assert.rejects((await life()).once(asked, start), { code: 'execution', message: /may have run/ });
    const fail = (code: 'guest_agent' | 'timeout') => async () => {
      throw new MerapiError(code, 'no');
    };
    await assert.rejects((await life()).once(refused, fail('guest_agent')), { code: 'guest_agent' });
    assert.equal(await (await life()).once(refused, start), 2, 'what was refused did not run');
    await assert.rejects((await life()).once(late, fail('timeout')), { code: 'timeout' });
    await assert.rejects((await life()).once(late, start), { code: 'execution' });
    await assert.rejects((await life()).once('../x', start), { code: 'wrong_input' });
  });
});
