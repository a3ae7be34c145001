import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { layoutOf } from '../../lib/app/layout.ts';
import type { CallName } from '../../lib/rpc/registry.ts';
import { instanceBody, type JobAnswer } from '../helpers/client.ts';
import { eventually, killWorker, type Program, Programs } from '../helpers/program.ts';

/** The calls on the node that creating an instance makes, in their order, and the line of the job's log that comes before. */
const moments: [CallName, string][] = [
  ['disk.create', 'Creating 1 disk'],
  ['os.create', 'Running the create script'],
  ['instance.start', 'Starting the instance'],
];

describe('creating an instance while the program is killed', () => {
  const programs = new Programs();
  after(() => programs.close());
  const nodes = ['node1.example.com', 'node2.example.com'];
  let dir: string;
  let cluster: string;
  let program: Program;
  before(async () => {
    dir = join(await programs.folder(), 'state');
    cluster = await programs.clusterFile({}, nodes.length);
    program = await programs.up({ dir, cluster });
  });

  beforeEach(async () => {
    if (!program.isRunning) program = await programs.up({ dir, cluster }); // the test before this one has failed
  });

  const faultsOf = (node: string) => join(layoutOf(dir).nodeFolder(node), 'faults.json');

  /** Lets the nodes do this very slowly the next time. */
  async function slow(call: CallName, delay: number): Promise<void> {
    for (const node of nodes) await writeFile(faultsOf(node), JSON.stringify({ [call]: { delay } }));
  }

  async function fast(): Promise<void> {
    for (const node of nodes) await rm(faultsOf(node), { force: true });
  }

  /** Submits the job and resolves when its log has the line: what comes after it is under way. */
  async function createUntil(name: string, line: string): Promise<number> {
    const client = await program.client();
    const id = await client.submit('POST', '/2/instances', instanceBody(name));
    await eventually(line, async () => {
      const { status, oplog } = await client.get<JobAnswer>(`/2/jobs/${id}`);
      assert.notEqual(status, 'success', 'the job has ended before its time');
      return oplog.flat().some(([, , , text]) => text.startsWith(line)) ? true : null;
    });
    return id;
  }

  /** Ends the program when it has got the requests that are under way. */
  async function stopSoon(): Promise<void> {
    await (await program.client()).get('/version');
    await program.stop();
  }

  /** The files on all nodes together that the instance has: guests and disks. */
  async function filesOf(name: string): Promise<{ guests: number; disks: number }> {
    const found = await Promise.all(
      nodes.map((node) => readdir(layoutOf(dir).nodeFolder(node), { recursive: true, withFileTypes: true })),
    );
    const files = found
      .flat()
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return {
      guests: files.filter((file) => file.endsWith(`/guests/${name}.json`)).length,
      disks: files.filter((file) => file.includes(`/file-storage/${name}/`)).length,
    };
  }

  async function endsWell(id: number, name: string): Promise<void> {
    const client = await program.client();
    const job = await client.jobEnd(id);
    assert.deepEqual([job.status, job.opstatus], ['success', ['success']], JSON.stringify(job.opresult));
    const lines = job.oplog.flat().map(([, , , text]) => text);
    assert.deepEqual(lines, [...new Set(lines)], 'nothing is logged twice');
    assert.deepEqual(await filesOf(name), { guests: 1, disks: 1 });
    const instance = await client.get<{ status: string; pnode: string }>(`/2/instances/${name}`);
    assert.equal(instance.status, 'running');
    assert.deepEqual(job.opresult, [[instance.pnode]]);
    await client.done('DELETE', `/2/instances/${name}`);
    assert.deepEqual(await filesOf(name), { guests: 0, disks: 0 });
  }

  for (const [call, line] of moments) {
    it(`ends well when the master is killed during ${call}`, async () => {
      const name = `master-${call}.example.com`;
      await slow(call, 1); // the worker goes on with it, and the next master must wait for it
      const id = await createUntil(name, line);
      await program.kill9();
      await fast();
      program = await programs.up({ dir, cluster });
      await endsWell(id, name);
    });

    it(`ends well when the worker is killed during ${call}`, async () => {
      const name = `worker-${call}.example.com`;
      await slow(call, 600); // the next worker does it in time
      const id = await createUntil(name, line);
      await fast();
      await killWorker(dir);
      await endsWell(id, name);
    });

    it(`ends well when both are ended with SIGTERM during ${call}`, async () => {
      const name = `term-${call}.example.com`;
      await slow(call, 600);
      const id = await createUntil(name, line);
      const known = { fields: ['id'], previous_job_info: [id], previous_log_serial: 1000 };
      const client = await program.client();
      const [waiting] = await Promise.all([client.ask('GET', `/2/jobs/${id}/wait`, known), stopSoon()]);
      assert.deepEqual(waiting, { status: 200, body: null });
      await fast();
      program = await programs.up({ dir, cluster });
      await endsWell(id, name);
    });
  }

  it('ends well when the master is killed as soon as the job is told', async () => {
    const name = 'told.example.com';
    const id = await (await program.client()).submit('POST', '/2/instances', instanceBody(name));
    await program.kill9();
    program = await programs.up({ dir, cluster });
    await endsWell(id, name);
  });
});
