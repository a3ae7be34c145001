import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { completeCluster, jobEnd } from '../../lib/app/joining.ts';
import { type Layout, layoutOf } from '../../lib/app/layout.ts';
import { createMaster, type Master } from '../../lib/app/master.ts';
import { startNodes } from '../../lib/app/node.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { systemWorld } from '../../lib/base/world.ts';
import type { OpInput } from '../../lib/model/job.ts';
import type { NodeWorker } from '../../lib/node/worker.ts';
import { specOf } from '../helpers/cluster.ts';
import { eventually } from '../helpers/program.ts';

describe('nodes that are late when a cluster starts for the first time', () => {
  let layout: Layout;
  let master: Master;
  const workers: NodeWorker[] = [];

  const spec = (...names: string[]) => {
    const nodes = names.map((name, index) => ({ name, primary_ip: `198.51.100.${index + 1}` }));
    return specOf(layout.dir, nodes, {});
  };
  const start = async (name: string) => {
    workers.push(...(await startNodes([layout.nodeFolder(name)], {}, silentLogger)));
  };
  const open = async (...names: string[]) => {
    const describe = names.length > 0 ? async () => spec(...names) : undefined;
    master = await createMaster({ layout, log: silentLogger, world: systemWorld, patience: 100, describe });
  };
  const members = () => master.store.view.nodes.list().map(({ name }) => name);
  const awaited = () => master.store.view.cluster.awaited_nodes.map(({ name }) => name);
  const complete = (...names: string[]) =>
    completeCluster(master, spec(...names), new AbortController().signal);
  const joined = (name: string) =>
    eventually(`${name} has joined`, async () => members().includes(name) || null);
  const run = async (op: OpInput) => {
    const id = await master.manager.submit(SYSTEM, [op]);
    return (await jobEnd(master.manager, id, new AbortController().signal))?.ops[0];
  };
  const additions = async () => {
    let count = 0;
    for await (const { ops } of master.manager.jobs(SYSTEM))
      if (ops[0]?.input.OP_ID === 'OP_NODE_ADD') count++;
    return count;
  };

  beforeEach(async () => {
    layout = layoutOf(await mkdtemp(join(tmpdir(), 'merapi-joining-')));
  });
  afterEach(async () => {
    await master.close();
    for (const worker of workers.splice(0)) await worker.stop();
    await rm(layout.dir, { recursive: true, force: true });
  });

  it('join when they answer, those that nobody wants any more excepted', async () => {
    const all = ['node1', 'node2', 'node3'];
    await open(...all);
    await start('node1');
    await master.start();
    await complete(...all);
    assert.deepEqual([members(), awaited()], [['node1'], ['node2', 'node3']]);
    assert.equal((await run({ OP_ID: 'OP_NODE_REMOVE', node_name: 'node2' }))?.status, 'success');
    assert.deepEqual(awaited(), ['node3']);
    const again = await run({ OP_ID: 'OP_NODE_REMOVE', node_name: 'node2' });
    assert.equal(again?.failure?.code, 'not_found');
    await start('node2');
    await start('node3');
    await joined('node3');
    assert.deepEqual([members(), awaited()], [['node1', 'node3'], []]);
    assert.equal(await additions(), 3, 'two that failed, and the one that did not');
  });

  it('join when they answer, in a later life of the master', async () => {
    await open('node1', 'node2');
    await start('node1');
    await master.start();
    await complete('node1', 'node2');
    await master.close();
    await open();
    await master.start();
    await start('node2');
    await joined('node2');
    assert.deepEqual(awaited(), []);
  });
});
