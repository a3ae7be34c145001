import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { migrate } from '../../../../lib/store/sqlite/migrate.ts';
import { SampleStore } from './sample.ts';

/** Sets a field of the object with a name, or of all of its kind. */
const set = (kind: string, name: string | null, path: string, value: string) =>
  `UPDATE objects SET body = json_set(body, '$.${path}', ${value})
   WHERE kind = '${kind}'${name === null ? '' : ` AND json_extract(body, '$.name') = '${name}'`}`;
/** Sets a field of the first disk of its kind. */
const setDisk = (type: string, path: string, value: string) =>
  `UPDATE objects SET body = json_set(body, '$.${path}', ${value}) WHERE uuid =
   (SELECT uuid FROM objects WHERE kind = 'disk' AND json_extract(body, '$.dev_type') = '${type}' ORDER BY uuid LIMIT 1)`;
const removed = (kind: string, name: string) =>
  `DELETE FROM objects WHERE kind = '${kind}' AND json_extract(body, '$.name') = '${name}'`;
/** The number of the job that has ended well, of the one that failed, of the one that waits, of the one that is half done. */
const jobOf = (status: string) => `(SELECT max(id) FROM jobs WHERE status = '${status}')`;
const [ended, failed, queued, running] = ['success', 'error', 'queued', 'running'].map(jobOf);

/** Damages, with what must be found; the first line that is found must match, and there must be no others unless told. */
const damages: readonly (readonly [sql: string, found: RegExp])[] = [
  // Objects by themselves.
  [
    set('node', 'node1.example.com', 'offline', '3'),
    /^object: node node1\S+: offline must be true or false, not 3/,
  ],
  [`UPDATE objects SET body = '{' WHERE kind = 'network'`, /^object: network \S+: cannot be read: .*JSON/],
  [
    `UPDATE objects SET body = '[]' WHERE kind = 'network'`,
    /^object: network \S+: it must be an object, not \[\]/,
  ],
  ["INSERT INTO objects VALUES ('house', 'u', '{}')", /^object: object u: has the unknown kind 'house'/],
  [
    set('nodegroup', null, 'uuid', "'x'"),
    /^object: node group default: is stored under \S+, but its uuid is x/,
  ],
  [
    "UPDATE objects SET body = json_remove(body, '$.networks') WHERE kind = 'nodegroup'",
    /^object: node group default: lacks networks/,
  ],
  [set('filter', null, 'action', "'SING'"), /^object: job filter \S+: action/],
  [
    set('network', null, 'network', "'192.0.2.0'"),
    /^object: network lan: '192.0.2.0' is not an IPv4 network/,
  ],
  [set('network', null, 'reservations[0]', "'10.0.0.1'"), /^object: network lan: reserves 10.0.0.1, which/],
  [set('network', null, 'gateway', "'192.0.2.9'"), /^object: network lan: does not reserve 192.0.2.9/],
  [
    setDisk('drbd', 'logical_id', `json('["x"]')`),
    /^object: disk \S+: is mirrored, but its logical id does not/,
  ],
  // What they say of each other.
  ["DELETE FROM objects WHERE kind = 'cluster'", /^reference: the cluster: exists 0 times/],
  [
    set('cluster', null, 'master_node', "'x'"),
    /^reference: cluster test\.example\.com: its master node x does not exist/,
  ],
  [
    set('node', 'node2.example.com', 'group', "'x'"),
    /^reference: node node2\S+: its node group x does not exist/,
  ],
  [
    set('node', 'node2.example.com', 'name', "'node1.example.com'"),
    /has the name node1\S+ of the node node1/,
  ],
  [
    set('instance', 'm1', 'name', "'m2'"),
    /^reference: instance m2 \(\S+\): has the name m2 of the instance m2/,
  ],
  [
    set('nodegroup', null, 'networks.x', `json('{"mode":"bridged","link":"b","vlan":""}')`),
    /its network x does not exist/,
  ],
  [
    set('instance', 'm1', 'primary_node', "'x'"),
    /^reference: instance m1: its primary node x does not exist/,
  ],
  [set('instance', 'm1', 'disks[#]', "'x'"), /^reference: instance m1: its disk x does not exist/],
  [
    set('instance', 'a', 'disks[1]', "json_extract(body, '$.disks[0]')"),
    /^reference: instance a: has one disk twice/,
  ],
  [set('instance', 'a', 'disks', "json('[]')"), /^reference: disk \S+: belongs to instance a, which/],
  [
    setDisk('file', 'instance', 'NULL'),
    /^reference: instance [ab]: has the disk \S+, whose instance is none/,
  ],
  [removed('instance', 'a'), /^reference: disk \S+: its instance \S+ does not exist/],
  [setDisk('drbd', 'logical_id[1]', "'x'"), /^reference: disk \S+: its node x does not exist/],
  [setDisk('drbd', 'logical_id[1]', "json_extract(body, '$.logical_id[0]')"), /from node \S+ to itself/],
  [
    `UPDATE objects SET body = json_set(body, '$.logical_id[2]', 11000) WHERE kind = 'disk' AND body LIKE '%drbd%'`,
    /uses port 11000 on node node1/,
  ],
  [
    `UPDATE objects SET body = json_set(body, '$.logical_id[3]', 7) WHERE kind = 'disk' AND body LIKE '%drbd%'`,
    /uses number 7 on node node1/,
  ],
  [removed('network', 'lan'), /its network \S+ does not exist/],
  [
    set('instance', 'a', 'nics[0].ip', "'10.0.0.1'"),
    /^reference: NIC 0 of instance a: its address 10.0.0.1 is not/,
  ],
  [set('instance', 'a', 'nics[0].ip', "'pool'"), /^reference: NIC 0 of instance a: its address pool is not/],
  [
    set('instance', 'a', 'nics[0].ip', "json_extract(body, '$.nics[1].ip')"),
    /^reference: NIC 1 of instance a: has the address \S+ of network lan, as NIC 0 of instance a does/,
  ],
  [
    set('instance', 'a', 'nics[0].mac', "upper(json_extract(body, '$.nics[1].mac'))"),
    /^reference: NIC 1 of instance a: has the MAC address \S+ of NIC 0 of instance a/,
  ],
  [set('instance', 'a', 'nics[0].uuid', "json_extract(body, '$.nics[1].uuid')"), /has the uuid \S+ of NIC 0/],
  // Jobs.
  [`DELETE FROM job_ops WHERE job = ${queued}`, /^job: job \d+: has no opcodes/],
  [`UPDATE job_ops SET op = 1 WHERE job = ${ended}`, /^job: job \d+: lacks some of its opcodes/],
  [
    `UPDATE jobs SET "end" = NULL WHERE id = ${ended}`,
    /^job: job \d+: has an end that contradicts its status/,
  ],
  [`UPDATE jobs SET "end" = 1 WHERE id = ${queued}`, /^job: job \d+: has an end that contradicts its status/],
  [`UPDATE jobs SET archived = 1 WHERE id = ${queued}`, /^job: job \d+: is archived but has not ended/],
  [`UPDATE jobs SET status = 'odd' WHERE id = ${queued}`, /^job: job \d+: has the unknown status 'odd'/],
  [
    `UPDATE job_ops SET status = 'running' WHERE job = ${queued}`,
    /^job: job \d+: is queued, and .*: running$/,
  ],
  [
    `UPDATE job_ops SET status = 'queued' WHERE job = ${failed}`,
    /^job: job \d+: is error, and its opcodes are: queued$/,
  ],
  [
    `DELETE FROM jobs WHERE id = ${failed}`,
    /^job: job \d+: does not exist, but has rows in the table job_ops/,
  ],
  [
    `UPDATE job_log SET op = 7 WHERE job = ${ended}`,
    /^job: job \d+: has rows in the table job_log for an opcode .*\(7\)/,
  ],
  [`INSERT INTO job_steps VALUES (${ended}, 0, 'x', 1, 'null', NULL)`, /has ended but still has steps/],
  [`INSERT INTO job_secrets SELECT ${ended}, 0, sealed FROM job_secrets`, /has ended but still has secrets/],
  [`UPDATE job_ops SET locks = '[]' WHERE job = ${ended}`, /^job: job \d+: has ended but still holds locks/],
  [
    `INSERT INTO job_steps VALUES (${running}, 0, 'x', 99, NULL, NULL)`,
    /has a step with no outcome or two outcomes \(x\)/,
  ],
  [
    `INSERT INTO job_steps VALUES (${running}, 0, 'x', NULL, 'null', NULL)`,
    /has a step with no outcome or two outcomes \(x\)/,
  ],
  [
    `UPDATE job_ops SET result = '{' WHERE job = ${ended}`,
    /'result' in the table job_ops is not JSON: opcode \(0\)/,
  ],
  [`UPDATE job_ops SET input = '{}' WHERE job = ${ended}`, /^job: job \d+: has no OP_ID: opcode \(0\)/],
  [
    `UPDATE job_ops SET input = json_set(input, '$.OP_ID', 'OP_SING') WHERE job = ${queued}`,
    /^job: job \d+: opcode 0, input: it: its opcode is unknown to this Merapi/,
  ],
  [`UPDATE job_ops SET locks = '[1]' WHERE job = ${running}`, /^job: job \d+: opcode 0, locks: 0: /],
  [
    `UPDATE job_ops SET undo = '{"code":"x"}' WHERE job = ${running}`,
    /^job: job \d+: opcode 0, undo: code: /,
  ],
  [
    "UPDATE meta SET value = 1 WHERE key = 'last_job'",
    /^job: job \d+: has a number above the last assigned one/,
  ],
  // Secrets.
  [
    `UPDATE job_secrets SET sealed = 'AAAA' || sealed`,
    /^secret: the secrets of job \d+, opcode 0: cannot be opened/,
  ],
  [
    set('instance', 'a', 'osparams_private', "'x'"),
    /^secret: the private OS parameters of instance a: cannot be/,
  ],
  [
    set('cluster', null, 'osparams_private', "'x'"),
    /^secret: the private OS parameters of cluster test\S+: cannot/,
  ],
  // The database itself.
  [
    'DROP TABLE events',
    /^database: the database: lacks the table events|lacks the column \S+ of the table events/,
  ],
  [
    'ALTER TABLE job_log DROP COLUMN type',
    /^database: the database: lacks the column type of the table job_log/,
  ],
  ['DROP INDEX jobs_active', /^database: the database: lacks the index jobs_active/],
  ['DROP TABLE jobs', /^database: /],
  ['DROP TABLE job_secrets', /^database: /],
  ["DELETE FROM meta WHERE key = 'epoch'", /^database: the table meta: has no number 'epoch'/],
];

describe('checking a store', () => {
  let sample: SampleStore;
  before(async () => {
    sample = await SampleStore.make();
  });
  after(() => sample.close());

  it('finds nothing wrong with that of a real cluster in the midst of its work', async () => {
    const { lines, summary } = await sample.check(await sample.copy());
    assert.deepEqual(lines, []);
    assert.deepEqual(summary, { cluster: 'test.example.com', nodes: 2, instances: 4, openJobs: 2 });
    const database = new Database(await sample.copy(), { readonly: true });
    const count = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    for (const table of ['job_steps', 'job_secrets']) assert.notEqual(count(table), 0, `${table} has rows`);
    assert.notEqual(count('job_ops WHERE locks IS NOT NULL'), 0);
    database.close();
  });

  for (const [sql, found] of damages)
    it(`finds what is wrong after ${sql.replace(/\s+/g, ' ').slice(0, 90)}`, async () => {
      const { lines } = await sample.check(await sample.copy(sql));
      assert.ok(
        lines.some((line) => found.test(line)),
        `${found} in ${lines.join('\n')}`,
      );
    });

  it('finds a file that is no store, and flipped bytes in its pages', async () => {
    const empty = join(sample.folder, 'empty.db');
    await writeFile(empty, '');
    assert.deepEqual((await sample.check(empty)).lines, [`database: ${empty}: is empty`]);
    const other = join(sample.folder, 'other.db');
    await writeFile(other, 'no database'.repeat(1000));
    assert.match((await sample.check(other)).lines[0] ?? '', /is not a database, or is damaged/);
    new Database(join(sample.folder, 'foreign.db')).exec('CREATE TABLE x (a)').close();
    const foreign = await sample.check(join(sample.folder, 'foreign.db'));
    assert.match(foreign.lines[0] ?? '', /is not a store of Merapi$/);
    const bytes = await readFile(await sample.copy());
    for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0xff, at, at + 8);
    const damaged = join(sample.folder, 'damaged.db');
    await writeFile(damaged, bytes);
    const { lines } = await sample.check(damaged);
    assert.match(lines.join('\n'), /^database: the database: /m);
  });

  it('says that it cannot look where there is no file, or one of a newer Merapi', async () => {
    await assert.rejects(sample.check(join(sample.folder, 'none.db')), { code: 'unavailable' });
    await assert.rejects(
      sample.check(await sample.copy('PRAGMA user_version = 99')),
      /newer Merapi \(schema 99/,
    );
  });

  it('looks at the store of an older Merapi as it will be, and leaves it as it is', async () => {
    const file = join(sample.folder, 'older.db');
    const older = new Database(file);
    migrate(older, 2);
    older.exec(`ATTACH '${await sample.copy()}' AS today`);
    older.exec("INSERT INTO objects SELECT kind, uuid, json_remove(body, '$.networks') FROM today.objects");
    older.exec('DETACH today');
    older.close();
    const before = await readFile(file);
    const { lines, summary } = await sample.check(file);
    assert.deepEqual([lines, summary.instances, summary.openJobs], [[], 4, 0]);
    assert.deepEqual(await readFile(file), before);
  });

  it('never throws, whatever stands in the rows', async () => {
    const tables = ['objects', 'jobs', 'job_ops', 'job_log', 'job_steps', 'job_secrets', 'meta'] as const;
    const value = fc.oneof(
      fc.constantFrom(null, '', 'null', '[]', '{}', '"x"', '1e999', '12345678901234567890', 'queued'),
      fc.json(),
      fc.string(),
      fc.integer(),
      fc.double(),
    );
    const damage = fc.record({ table: fc.constantFrom(...tables), column: fc.nat(), row: fc.nat(), value });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 5 }), async (all) => {
        const file = await sample.copy();
        const database = new Database(file);
        for (const { table, column, row, value } of all) damageRow(database, table, column, row, value);
        database.close();
        await sample.check(file);
      }),
      { numRuns: 60 },
    );
  });

  it('never throws, whatever stands in a field of an object', async () => {
    const database = new Database(await sample.copy(), { readonly: true });
    const bodies = database.prepare('SELECT uuid, body FROM objects').all() as {
      uuid: string;
      body: string;
    }[];
    database.close();
    const change = fc.record({ object: fc.nat(), field: fc.nat(), value: fc.jsonValue() });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const file = await sample.copy();
        const database = new Database(file);
        for (const { object, field, value } of changes) {
          const { uuid, body } = bodies[object % bodies.length] ?? assert.fail();
          const fields = JSON.parse(body);
          const keys = Object.keys(fields);
          fields[keys[field % keys.length] ?? ''] = value;
          database.prepare('UPDATE objects SET body = ? WHERE uuid = ?').run(JSON.stringify(fields), uuid);
        }
        database.close();
        await sample.check(file);
      }),
      { numRuns: 60 },
    );
  });
});

/** Puts a value where it may not be; what the table itself refuses stays as it was. */
function damageRow(
  database: Database.Database,
  table: string,
  column: number,
  row: number,
  value: unknown,
): void {
  const columns = (database.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
  const name = columns[column % columns.length];
  const key = columns.filter((each) =>
    ['kind', 'uuid', 'job', 'op', 'id', 'key', 'serial', 'name'].includes(each),
  );
  const rows = database
    .prepare(`SELECT ${key.join(', ')} FROM ${table}`)
    .raw()
    .all() as unknown[][];
  if (rows.length === 0) return;
  const where = key.map((each) => `${each} = ?`).join(' AND ');
  try {
    database
      .prepare(`UPDATE ${table} SET "${name}" = ? WHERE ${where}`)
      .run(value, ...(rows[row % rows.length] ?? []));
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
  }
}
