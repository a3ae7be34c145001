import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import type { Job } from '../../../lib/model/job.ts';
import { showJob } from '../../../lib/surfaces/rapi/job.ts';
import { BackupFixture, create, exportTo, instance_name } from './fixture.ts';

/** What the result of the preparation of a remote export is. */
interface Prepared {
  handshake: unknown[];
  x509_key_name: unknown[];
  x509_ca: string;
}

/** What the log of a remote import tells the other cluster. */
interface Door {
  disks: unknown[][];
  x509_ca: string;
}

describe('exports to another cluster', () => {
  let from: BackupFixture;
  let to: BackupFixture;
  before(async () => {
    from = await BackupFixture.make(['node1', 'node2']);
    to = await BackupFixture.make(['node1']);
    await to.trusts(from.cluster);
  });
  after(async () => {
    await from?.close();
    await to?.close();
  });

  const prepare = async () => {
    const { result } = await from.op({ OP_ID: 'OP_BACKUP_PREPARE', instance_name, mode: 'remote' });
    return result as unknown as Prepared;
  };
  const importing = (prepared: Prepared, over: Record<string, unknown> = {}) => ({
    ...create({ mode: 'remote-import', instance_name: 'arrived.example.com' }),
    source_handshake: prepared.handshake,
    source_x509_ca: prepared.x509_ca,
    source_instance_name: instance_name,
    ...over,
  });
  const exporting = (prepared: Prepared, door: Door, over: Record<string, unknown> = {}) =>
    exportTo(door.disks, {
      ...{ mode: 'remote', x509_key_name: prepared.x509_key_name, destination_x509_ca: door.x509_ca },
      ...over,
    });

  /** Waits until an import has told where it waits, as a client does. */
  async function doorOf(id: number): Promise<Door> {
    const { manager } = to.cluster;
    for (let serial = 0; ; ) {
      const linesOf = (job: Job) => job.ops.flatMap((op) => op.log).filter((line) => line.serial > serial);
      const job = await manager.waitForJob(SYSTEM, id, {
        isNews: (job) => linesOf(job).length > 0,
        signal: AbortSignal.timeout(20_000),
      });
      assert.ok(job && job.status !== 'error', 'the import tells where it waits');
      for (const line of linesOf(job)) {
        serial = line.serial;
        if (line.type === 'remote-import') return JSON.parse(line.text) as Door;
      }
    }
  }
  const begin = (prepared: Prepared, over: Record<string, unknown> = {}) =>
    to.cluster.manager.submit(SYSTEM, [importing(prepared, over)]);

  async function both(over: { import?: object; export?: object } = {}): Promise<[Job, Job]> {
    const prepared = await prepare();
    const id = await begin(prepared, { ...over.import });
    const door = await doorOf(id);
    const sent = await from.cluster.run(exporting(prepared, door, { ...over.export }));
    return [sent, await to.cluster.ended(id)];
  }
  const messageOf = (job: Job) => job.ops[0]?.failure?.message ?? '';

  it('bring an instance with its data from one cluster to the other', async () => {
    for (const compress of ['none', 'gzip']) {
      const data = await from.filled();
      const [sent, arrived] = await both({ export: { compress, remove_instance: true } });
      assert.equal(messageOf(sent) + messageOf(arrived), '');
      assert.deepEqual(sent.ops[0]?.result, [true, [true, true]]);
      assert.deepEqual(await from.notes('exported'), [`0 ${instance_name}`, `1 ${instance_name}`]);
      assert.equal(from.cluster.store.view.instances.named(instance_name), undefined);
      const name = 'arrived.example.com';
      assert.deepEqual(await to.notes('imported'), [`0 ${name}`, `1 ${name}`]);
      assert.deepEqual(await to.notes('renamed'), [`${instance_name} ${name}`]);
      for (const [index, bytes] of (await to.data(name)).entries())
        assert.ok(bytes.equals(data[index] as Buffer), `disk ${index} is the same`);
      const instance = to.instance(name);
      assert.equal(to.cluster.runtime.guest(instance.primary_node, instance)?.state, 'running');
      await to.remove(name);
    }
  });

  it("show Ganeti's forms of the handshake, the certificate and the places", async () => {
    await from.filled({ start: false });
    const prepared = await prepare();
    assert.equal(prepared.handshake[0], 0);
    assert.match(String(prepared.handshake[1]), /^[0-9a-f]{40}$/);
    assert.match(String(prepared.handshake[2]), /^[0-9a-f]{16}$/);
    assert.match(String(prepared.x509_key_name[0]), /^x509-\d{4}-\d\d-\d\d_\d\d_\d\d_\d\d-\w{8}$/);
    assert.match(
      prepared.x509_ca,
      /^X-Ganeti-Signature: [0-9a-f]{16}\/[0-9a-f]{40}\n\n-----BEGIN CERTIFICATE-----\n/,
    );
    const id = await begin(prepared);
    const door = await doorOf(id);
    const [host, port, secret, digest, salt] = door.disks[1] as unknown[];
    assert.deepEqual([host, typeof port], ['127.0.0.1', 'number']);
    for (const text of [secret, digest, salt]) assert.match(String(text), /^[0-9a-f]{16,}$/);
    const job = await to.cluster.manager.job(SYSTEM, id);
    assert.ok(job);
    const lines = showJob(job).oplog;
    assert.deepEqual(lines[0]?.find((line) => line[2] === 'remote-import')?.[3], door);

    const places = door.disks as [unknown[], unknown[]];
    const elsewhere = [places[0], [host, 1, secret, digest, salt]];
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ target_node: 'node2' }, /must be the list of disks/],
      [{ x509_key_name: null }, /needs x509_key_name/],
      [{ destination_x509_ca: null }, /needs destination_x509_ca/],
      [{ target_node: [places[0]] }, /has 1 disks; the instance has 2/],
      [{ target_node: elsewhere }, /signature of disk 1 in target_node is wrong/],
      [{ target_node: [places[1], places[0]] }, /signature of disk 0 in target_node is wrong/],
      [{ target_node: [places[0], [host]] }, /must be \[host, port, secret/],
      [
        { x509_key_name: ['other', ...prepared.x509_key_name.slice(1)] },
        /signature of x509_key_name is wrong/,
      ],
      [{ destination_x509_ca: 'abc' }, /must be a certificate after a line/],
      [
        { destination_x509_ca: door.x509_ca.replace('MII', 'MIJ') },
        /signature of destination_x509_ca is wrong/,
      ],
    ];
    for (const [over, message] of wrong)
      await from.fails(exporting(prepared, door, over), 'wrong_input', message);
    const sent = await from.cluster.run(exporting(prepared, door));
    assert.equal(messageOf(sent), '');
    assert.equal((await to.cluster.ended(id)).status, 'success');
    await to.remove('arrived.example.com');
    await from.remove();
  });

  it('refuse clusters that do not share the secret, and requests that lack something', async () => {
    await from.filled({ start: false });
    const prepared = await prepare();
    const [version, digest, salt] = prepared.handshake;
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ source_handshake: null }, /needs source_handshake/],
      [{ source_handshake: [1, digest, salt] }, /version 1 of this handshake; this one speaks 0/],
      [{ source_handshake: [version, digest, 'ab'] }, /different secrets \(cluster-domain-secret\)/],
      [{ source_handshake: [version] }, /must be \[version, signature, salt\]/],
      [{ source_x509_ca: null }, /needs source_x509_ca/],
      [{ source_x509_ca: prepared.x509_ca.replace('MII', 'MIJ') }, /signature of source_x509_ca/],
      [{ source_instance_name: null }, /needs source_instance_name/],
    ];
    for (const [over, message] of wrong) await to.fails(importing(prepared, over), 'wrong_input', message);
    await from.remove();
  });

  it('that break off leave the one instance as it was and nothing of the other', async () => {
    const data = await from.filled();
    const [sent, arrived] = await both({ import: { os_type: 'bad' } });
    assert.match(messageOf(arrived), /import script of OS 'bad' .* exit code 3: no good/);
    assert.match(messageOf(sent), /^The other cluster failed: The import script of OS 'bad'/);
    assert.deepEqual(to.cluster.store.view.instances.list(), []);
    const instance = from.instance();
    assert.equal(from.cluster.runtime.guest(instance.primary_node, instance)?.state, 'running');
    for (const [index, bytes] of (await from.data()).entries())
      assert.ok(bytes.equals(data[index] as Buffer));

    await from.op({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name });
    await from.op({ OP_ID: 'OP_INSTANCE_REINSTALL', instance_name, os_type: 'bad' });
    const [failed, left] = await both();
    assert.match(messageOf(failed), /export script of OS 'bad' .* exit code 3: no good/);
    assert.match(messageOf(left), /^The other cluster (has given up|broke off)/);
    assert.deepEqual(to.cluster.store.view.instances.list(), []);
    await from.remove();
  });

  it('survive a restart of the master that waits, and end with the worker that waits', async () => {
    await from.filled({ start: false });
    const prepared = await prepare();
    const id = await begin(prepared);
    const door = await doorOf(id);
    await to.cluster.restart();
    const sent = await from.cluster.run(exporting(prepared, door));
    assert.equal(messageOf(sent), '');
    assert.equal((await to.cluster.ended(id)).status, 'success');
    await to.remove('arrived.example.com');

    const next = await begin(prepared);
    await doorOf(next);
    const [node] = to.cluster.store.view.nodes.list();
    assert.ok(node);
    const { uuid } = to.instance('arrived.example.com');
    // As far as the job can tell this is a restart of the worker.
    await to.cluster.tools.nodes.call(node, 'transfer.close', { id: uuid });
    assert.match(messageOf(await to.cluster.ended(next)), /longer/);
    assert.deepEqual(to.cluster.store.view.instances.list(), []);
    await from.remove();
  });
});
