import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { withFaults } from '../../lib/node/faults.ts';
import { calls } from '../../lib/rpc/registry.ts';
import type { Handlers } from '../../lib/rpc/server.ts';
import { Resources } from './helpers.ts';

const context = { signal: new AbortController().signal, tell: () => undefined };

describe('faults', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function faulty(): Promise<{ file: string; handlers: Handlers; runs: () => number }> {
    const folder = await resources.folder();
    let runs = 0;
    const handler = async () => ({ run: ++runs });
    const all = Object.fromEntries(Object.keys(calls).map((name) => [name, handler]));
    const handlers = withFaults(all as unknown as Handlers, folder, systemClock);
    return { file: join(folder, 'faults.json'), handlers, runs: () => runs };
  }

  it('changes nothing without a file or without a switch for the call', async () => {
    const { file, handlers } = await faulty();
    assert.deepEqual(await handlers['node.delay']({ duration: 0 }, context), { run: 1 });
    await writeFile(file, '{"node.facts": {"fail": "no"}}');
    assert.deepEqual(await handlers['node.delay']({ duration: 0 }, context), { run: 2 });
  });

  it('fails instead of the handler, with the code asked for', async () => {
    const { file, handlers, runs } = await faulty();
    await writeFile(
      file,
      '{"node.delay": {"fail": "no"}, "node.facts": {"fail": "gone", "code": "timeout"}}',
    );
    await assert.rejects(handlers['node.delay']({ duration: 0 }, context), {
      code: 'hypervisor',
      message: 'no',
    });
    await assert.rejects(handlers['node.facts']({}, context), { code: 'timeout', message: 'gone' });
    assert.equal(runs(), 0);
  });

  it('counts down, also with calls at the same moment', async () => {
    const { file, handlers, runs } = await faulty();
    await writeFile(file, '{"node.delay": {"fail": "no", "times": 3}}');
    const all = Array.from({ length: 5 }, () => handlers['node.delay']({ duration: 0 }, context));
    const failed = (await Promise.allSettled(all)).filter((outcome) => outcome.status === 'rejected');
    assert.equal(failed.length, 3);
    assert.equal(runs(), 2);
    assert.equal(JSON.parse(await readFile(file, 'utf8'))['node.delay'].times, 0);
  });

  it('delays, and gives that up when the call is aborted', async () => {
    const { file, handlers, runs } = await faulty();
    await writeFile(file, '{"node.delay": {"delay": 0.01}, "node.facts": {"delay": 3600}}');
    await handlers['node.delay']({ duration: 0 }, context);
    assert.equal(runs(), 1);
    const abort = new AbortController();
    const slow = handlers['node.facts']({}, { ...context, signal: abort.signal });
    abort.abort();
    await assert.rejects(slow);
    assert.equal(runs(), 1);
  });

  it('says when it cannot understand the file', async () => {
    const { file, handlers } = await faulty();
    for (const text of ['{', '{"node.delay": {"fial": "x"}}']) {
      await writeFile(file, text);
      const call = handlers['node.delay']({ duration: 0 }, context);
      await assert.rejects(call, { code: 'configuration', message: /faults.json/ });
    }
  });
});
