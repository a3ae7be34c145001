import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { layoutOf } from '../../lib/app/layout.ts';
import { findProcess } from '../../lib/node/processes.ts';
import { instanceBody } from '../helpers/client.ts';
import { eventually, killWorker, Programs, workerOf } from '../helpers/program.ts';

const NODE = 'node1.example.com';
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => null,
  );

describe('init, master and node as processes of their own', () => {
  const programs = new Programs();
  after(() => programs.close());
  it('make a cluster together, in any order of their starts', async () => {
    const dir = join(await programs.folder(), 'state');
    const layout = layoutOf(dir);
    const cluster = await programs.clusterFile({}, 2);
    const made = await programs.run(['init', '--dir', dir, '--cluster', cluster]);
    assert.deepEqual([made.code, made.stderr], [0, '']);
    assert.equal(made.stdout, `The cluster cluster.example.com is created in ${dir}\n`);
    const again = await programs.run(['init', '--dir', dir, '--cluster', cluster]);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^merapi: [^\n]+ already contains the cluster cluster.example.com\n$/);

    const master = programs.start(dir, ['master', '--dir', dir, '--port', '0', '--no-ssl']);
    const folders = (await readdir(layout.nodes)).map((name) => layout.nodeFolder(name));
    const nodes = folders.map((folder) => programs.start(folder, ['node', '--dir', folder]));
    await master.ready();
    assert.deepEqual(master.stdout, [`ready ${master.url}`]);
    const client = await master.client(null);
    const jobs = await client.get<{ id: string }[]>('/2/jobs');
    assert.equal(jobs.length, 2); // the check of the first node, and the second node
    for (const { id } of jobs) assert.equal((await client.jobEnd(Number(id))).status, 'success');
    assert.deepEqual(
      (await client.get<{ id: string }[]>('/2/nodes')).map(({ id }) => id),
      folders.map((folder) => folder.split('/').at(-1)),
    );
    assert.equal(await workerOf(dir), null);
    const refused = await programs.run(await programs.upArgs(dir, { cluster }));
    assert.equal(refused.code, 2);
    await master.stop();

    // The nodes are still in the hands of their own processes.
    const up = await programs.run(await programs.upArgs(dir, { cluster }));
    assert.equal(up.code, 2);
    assert.match(up.stderr, new RegExp(`^merapi: Process ${nodes[0]?.child.pid} runs the node ${NODE}; `));
    for (const node of nodes) await node.stop();
    await (await programs.up({ dir, cluster })).stop();
  });
});

describe('the start of merapi up', () => {
  const programs = new Programs();
  after(() => programs.close());
  it('can be ended with SIGTERM', async () => {
    const dir = join(await programs.folder(), 'state');
    const program = programs.start(dir, await programs.upArgs(dir));
    await eventually('a worker', () => workerOf(dir));
    await program.stop();
    assert.deepEqual(program.stdout, []);
  });

  it('fails with one line when the worker cannot start, and leaves no process behind', async () => {
    const dir = join(await programs.folder(), 'state');
    const cluster = await programs.clusterFile();
    assert.equal((await programs.run(['init', '--dir', dir, '--cluster', cluster])).code, 0);
    await writeFile(join(layoutOf(dir).nodeFolder(NODE), 'node.json'), '{}');
    const { code, stderr } = await programs.run(await programs.upArgs(dir, { cluster }));
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^merapi: The node worker did not start: [^\n]*node\.json \(the settings of a node\) cannot be used: [^\n]+\n$/,
    );
    assert.equal(await workerOf(dir), null);
  });
});

describe('a cluster whose processes are killed', () => {
  const programs = new Programs();
  after(() => programs.close());
  it('works again after kill -9 of the master and of the worker', async () => {
    const dir = join(await programs.folder(), 'state');
    const folder = layoutOf(dir).nodeFolder(NODE);
    const cluster = await programs.clusterFile();
    let program = await programs.up({ dir, cluster });
    await (await program.client()).done('POST', '/2/instances', instanceBody('a.example.com'));
    await program.kill9();
    const worker = await killWorker(dir);
    assert.ok(await exists(join(folder, 'endpoint')), 'a killed worker leaves its endpoint behind');

    program = await programs.up({ dir, cluster });
    assert.notEqual((await workerOf(dir))?.pid, worker.pid);
    const client = await program.client();
    // The node's facts are there as soon as the program is ready.
    assert.equal((await client.get<{ status: string }>('/2/instances/a.example.com')).status, 'running');
    await client.done('PUT', '/2/instances/a.example.com/shutdown');
    assert.deepEqual(await readdir(join(folder, 'guests')), []);
    await program.stop();
  });

  it('finds its worker, and makes worker.json again, when that is damaged', async () => {
    const dir = join(await programs.folder(), 'state');
    const cluster = await programs.clusterFile();
    let program = await programs.up({ dir, cluster });
    for (const damage of ['{"pid":', '{"format":99,"pid":1}']) {
      const worker = (await workerOf(dir)) ?? assert.fail('no worker lives');
      await program.kill9();
      await writeFile(layoutOf(dir).workerProcess, damage, 'latin1');
      program = await programs.up({ dir, cluster });
      assert.equal((await workerOf(dir))?.pid, worker.pid, 'the nodes go on in the same process');
      assert.deepEqual(JSON.parse(await readFile(layoutOf(dir).workerProcess, 'utf8')).nodes, [NODE]);
    }
    await program.kill9();
    const { pid } = (await workerOf(dir)) ?? assert.fail('no worker lives');
    process.kill(pid, 'SIGKILL');
    // A decoy: a process of this user that began when the file says, and is no worker.
    const own = await findProcess(process.pid);
    await writeFile(
      layoutOf(dir).workerProcess,
      JSON.stringify({ pid: process.pid, start: own?.start, nodes: [NODE] }),
    );
    program = await programs.up({ dir, cluster });
    assert.notEqual((await workerOf(dir))?.pid, process.pid);
    await program.stop();
  });

  it('starts the worker again when that alone is killed, be it adopted or not', async () => {
    const dir = join(await programs.folder(), 'state');
    const cluster = await programs.clusterFile();
    let program = await programs.up({ dir, cluster });
    for (const round of [1, 2]) {
      await killWorker(dir);
      const after = await eventually('a new worker', () => workerOf(dir));
      const client = await program.client();
      await eventually('the new worker tells its facts', async () => {
        const { mfree } = await client.get<{ mfree: number | null }>(`/2/nodes/${NODE}`);
        return mfree;
      });
      await client.done('POST', '/2/instances', instanceBody(`a${round}.example.com`));
      await program.kill9();
      assert.deepEqual(await workerOf(dir), after);
      program = await programs.up({ dir, cluster });
      assert.deepEqual(await workerOf(dir), after);
    }
    await program.stop();
  });

  for (const made of ['nodes', 'cluster.db', 'worker.json'])
    it(`makes the whole cluster when the first start was killed as soon as there was ${made}`, async () => {
      const dir = join(await programs.folder(), 'state');
      const cluster = await programs.clusterFile({}, 2);
      const first = programs.start(dir, await programs.upArgs(dir, { cluster }));
      await eventually(made, () => exists(join(dir, made)));
      await first.kill9();
      const program = await programs.up({ dir, cluster });
      assert.equal(program.stderr, '');
      const nodes = await (await program.client()).get<{ mtotal: number | null }[]>('/2/nodes?bulk=1');
      assert.equal(nodes.length, 2);
      for (const { mtotal } of nodes) assert.ok(mtotal);
      await program.stop();
      await rm(dir, { recursive: true });
    });
});
