import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { openAuthorities } from '../../lib/app/authorities.ts';
import { equipNode } from '../../lib/app/certificates.ts';
import { layoutOf } from '../../lib/app/layout.ts';
import { createMaster, type Master } from '../../lib/app/master.ts';
import { startNodes } from '../../lib/app/node.ts';
import { livingWorker } from '../../lib/app/workers.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { systemWorld } from '../../lib/base/world.ts';
import { checkState } from '../../lib/check/check.ts';
import { isFinal, type Job } from '../../lib/model/job.ts';
import { readRecord } from '../../lib/node/hypervisors/kvm/record.ts';
import type { NodeWorker } from '../../lib/node/worker.ts';
import { migrate } from '../../lib/store/sqlite/migrate.ts';

const fixture = fileURLToPath(new URL('../fixtures/release-0.1.0/', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const names = ['node1', 'node2', 'node3'].map((name) => `${name}.example.com`);

/** Puts what release 0.1.0 left into a folder, as if it had been there. */
async function place(dir: string): Promise<void> {
  await cp(fixture, dir, { recursive: true });
  const here = (text: string) => text.replaceAll('@DIR@', dir).replaceAll('@ROOT@', root);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) await writeFile(path, here(await readFile(path, 'utf8')));
  }
  // Certificates were left out.
  const authorities = await openAuthorities(layoutOf(dir));
  for (const name of names) await equipNode(layoutOf(dir), name, authorities);
  const store = new Database(layoutOf(dir).database);
  migrate(store, 1);
  store.exec(await readFile(join(dir, 'cluster.sql'), 'utf8'));
  store.close();
}

describe('a state folder of release 0.1.0', () => {
  let dir: string;
  let master: Master;
  let workers: NodeWorker[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'merapi-release-'));
    await place(dir);
    const layout = layoutOf(dir);
    workers = await startNodes(names.map(layout.nodeFolder), {}, silentLogger);
    master = await createMaster({ layout, log: silentLogger, world: systemWorld });
    await master.start();
  });
  after(async () => {
    await master?.close();
    for (const worker of workers) await worker.stop();
    await rm(dir, { recursive: true, force: true });
  });

  async function ended(id: number): Promise<Job> {
    for (;;) {
      const job = await master.store.jobs.get(id);
      if (job && isFinal(job.status)) return job;
      await sleep(10);
    }
  }

  it('ends the job that it left running, in a clear error, and does nothing of it', async () => {
    const { status, ops } = await ended(5);
    assert.equal(status, 'error');
    assert.equal(ops[0]?.failure?.code, 'execution');
    assert.match(
      ops[0]?.failure?.message ?? '',
      /^Another release of Merapi began this opcode \(its journal has the format 1, here 2\), so it can be neither resumed nor undone: .* Steps that began: check, disk\/0\/create, instance, start$/,
    );
    const guests = await readdir(join(layoutOf(dir).nodeFolder('node1.example.com'), 'guests'));
    assert.ok(!guests.includes('web2.example.com.json'), 'it was not started');
    assert.ok(master.store.view.instances.named('web2.example.com'), 'what it had made is still there');
  });

  it('does the jobs that had not begun', async () => {
    for (const id of [6, 7]) {
      const job = await ended(id);
      assert.equal(job.status, 'success', JSON.stringify(job.ops[0]?.failure));
    }
    const view = master.store.view.instances;
    assert.equal(view.named('web1.example.com')?.admin_state, 'down');
    // As in Ganeti, what is not installed is not started.
    assert.equal(view.named('web3.example.com')?.admin_state, 'down');
    const guests = await readdir(join(layoutOf(dir).nodeFolder('node1.example.com'), 'guests'));
    assert.deepEqual(guests, []);
  });

  it('is found right afterwards', async () => {
    const { findings } = await checkState(layoutOf(dir));
    assert.deepEqual(findings.problems, []);
  });

  it('its worker.json is read', async () => {
    assert.equal(await livingWorker(layoutOf(dir)), null, 'that process is long gone');
  });

  it('its record of a guest of kvm is read', async () => {
    const folder = join(dir, 'guest');
    await mkdir(folder);
    await cp(join(dir, 'guest-of-kvm.json'), join(folder, 'runtime.json'));
    const record = await readRecord(folder);
    assert.deepEqual([record?.phase, record?.instance.name, record?.accelerator], ['running', 'web', 'tcg']);
  });
});
