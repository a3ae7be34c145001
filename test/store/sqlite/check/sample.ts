import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SYSTEM } from '../../../../lib/access/principal.ts';
import { layoutOf } from '../../../../lib/app/layout.ts';
import { sealOf } from '../../../../lib/base/seal.ts';
import { checkStore, type StoreSummary } from '../../../../lib/store/sqlite/check/check.ts';
import { copyStore } from '../../../../lib/store/sqlite/check/open.ts';
import { Findings } from '../../../../lib/store/sqlite/check/problem.ts';
import { create, InstanceFixture } from '../../../units/instance/fixture.ts';

/** The store of a real cluster on which jobs have run, and one that has not ended, with secrets, locks and steps. */
export class SampleStore {
  readonly folder: string;
  readonly key: string;
  readonly #file: string;
  #copies = 0;

  private constructor(folder: string, key: string, file: string) {
    this.folder = folder;
    this.key = key;
    this.#file = file;
  }

  static async make(): Promise<SampleStore> {
    const folder = await mkdtemp(join(tmpdir(), 'merapi-check-'));
    const file = join(folder, 'sample.db');
    const fixture = await InstanceFixture.make({
      enabled_disk_templates: ['file', 'drbd', 'diskless'],
    });
    try {
      const key = await readFile(layoutOf(fixture.cluster.dir).secretKey, 'utf8');
      await fill(fixture, file);
      return new SampleStore(folder, key.trim(), file);
    } finally {
      await fixture.close();
    }
  }

  /** A copy of the store, damaged by these statements. */
  async copy(...sql: string[]): Promise<string> {
    const file = join(this.folder, `copy${++this.#copies}.db`);
    await copyFile(this.#file, file);
    const database = new Database(file);
    database.pragma('foreign_keys = OFF');
    for (const each of sql) database.exec(each);
    database.close();
    return file;
  }

  /** What is found in a file, a line for each problem. */
  async check(file: string): Promise<{ lines: string[]; summary: StoreSummary }> {
    const findings = new Findings();
    const summary = await checkStore(file, sealOf(Buffer.from(this.key, 'hex')), findings);
    assert.equal(findings.total, findings.problems.length);
    return { lines: findings.problems.map(({ kind, about, text }) => `${kind}: ${about}: ${text}`), summary };
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Does a bit of everything, and copies the store while a job is in the midst of it. */
async function fill({ cluster }: InstanceFixture, file: string): Promise<void> {
  const network_name = 'lan';
  const link = { network_mode: 'bridged', network_link: 'br0' };
  await cluster.done({
    OP_ID: 'OP_NETWORK_ADD',
    network_name,
    network: '192.0.2.0/28',
    gateway: '192.0.2.1',
  });
  await cluster.done({ OP_ID: 'OP_NETWORK_CONNECT', network_name, group_name: 'default', ...link });
  const nics = [
    { network: network_name, ip: 'pool' },
    { network: network_name, ip: 'pool' },
  ];
  const secret = { os_type: 'flavoured+small', osparams_private: { colour: 'red' } };
  await cluster.done(create({ instance_name: 'a', nics, ...secret, disks: [{ size: 1 }, { size: 1 }] }));
  for (const instance_name of ['m1', 'm2'])
    await cluster.done(create({ instance_name, disk_template: 'drbd', snode: 'node2.example.com' }));
  assert.equal((await cluster.run({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: 'nobody' })).status, 'error');
  const uuid = await cluster.manager.putFilter(SYSTEM, null, {
    priority: 0,
    predicates: [['opcode', ['=', 'OP_ID', 'OP_TEST_DELAY']]],
    action: 'PAUSE',
    reason_trail: [],
  });
  const paused = await cluster.manager.submit(SYSTEM, [{ OP_ID: 'OP_TEST_DELAY', duration: 0 }]);
  // The master dies in the midst of making an instance.
  const secrets = { os_type: 'flavoured+small', osparams_secret: { colour: 'blue' } };
  let [commits, dead] = [0, () => {}];
  const died = new Promise<void>((resolve) => {
    dead = resolve;
  });
  cluster.gate.refusesCommit = (job) => {
    if (job <= paused || ++commits < 4) return false;
    dead();
    return true;
  };
  const halfway = await cluster.manager.submit(SYSTEM, [create({ instance_name: 'b', ...secrets })]);
  await died;
  await copyStore(layoutOf(cluster.dir).database, file);
  await cluster.restart();
  assert.equal((await cluster.ended(halfway)).status, 'success');
  await cluster.manager.removeFilter(SYSTEM, uuid);
  assert.equal((await cluster.ended(paused)).status, 'success');
}
