import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../lib/base/exec.ts';
import { parseMemory } from '../../lib/node/facts.ts';
import { conformance, eventually, type Program, Programs } from '../helpers/program.ts';

describe("Debian's ganeti-htools read a cluster over the API", () => {
  const programs = new Programs();
  after(() => programs.close());
  let program: Program;
  /** What a tool prints; it must end well. */
  const tool = async (name: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(name, args, { timeout: 300_000 });
    assert.equal(code, 0, `${name} ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout + stderr;
  };

  before(async () => {
    program = await programs.up({ cluster: join(conformance, 'cluster.json') });
    const client = await program.client();
    for (const name of ['a.example.com', 'b.example.com']) {
      const body = {
        ...{ __version__: 1, mode: 'create', name, os: 'noop', pnode: 'node1.example.com' },
        ...{ disk_template: 'file', disks: [{ size: 64 }], nics: [{}], beparams: { memory: 128, vcpus: 1 } },
      };
      const { body: job } = await client.ask('POST', '/2/instances', body);
      await eventually(`job ${job} has ended`, async () => {
        const { status } = await client.get<{ status: string }>(`/2/jobs/${job}`);
        return status === 'success' ? true : null;
      });
    }
  });

  it('hbal finds nodes and instances, none of them bad', async () => {
    const text = await tool('hbal', '-m', program.url);
    assert.match(text, /Loaded \d nodes?, 2 instances/);
    assert.match(text, /Initial check done: 0 bad nodes, 0 bad instances/);
  });

  it('hbal adds up the memory of nodes and their simulated guests as their kernel does', async () => {
    const text = await tool('hbal', '-m', program.url);
    const { memory_total, memory_dom0, memory_free } = parseMemory(await readFile('/proc/meminfo', 'utf8'));
    const missing = [...text.matchAll(/is missing (-?\d+) MB ram/g)].map(([, amount]) => Number(amount));
    assert.match(text, /Loaded 3 nodes/);
    for (const amount of missing)
      assert.ok(Math.abs(amount - (memory_total - memory_dom0 - memory_free)) < 256, text);
  });

  it('hspace tells how many instances more there is room for', async () => {
    const text = await tool('hspace', '-m', program.url, '--standard-alloc', '128,64,1');
    assert.match(text, /The cluster has \d+ nodes? and the following resources/);
    assert.match(text, /There are 2 initial instances on the cluster/);
    assert.match(text, /\d+ instances allocated/);
  });

  it('hinfo describes it', async () => {
    const text = await tool('hinfo', '-m', program.url);
    assert.match(text, /Cluster score: \d+\.\d+/);
    assert.match(text, /Loaded 3 nodes, 2 instances, 1 node group/);
  });

  it('hscan writes it down', async () => {
    const folder = await programs.folder();
    const text = await tool('hscan', '-d', folder, program.url);
    assert.match(text, /^Name +Nodes +Inst/);
    const [file = ''] = await readdir(folder);
    const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
    assert.ok(
      lines.some((line) => line.startsWith('a.example.com|128|64|1|running|')),
      lines.join('\n'),
    );
    assert.match(await tool('hbal', '-t', join(folder, file)), /2 instances/);
  });
});
