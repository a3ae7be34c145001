import assert from 'node:assert/strict';
import { access, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { layoutOf } from '../../lib/app/layout.ts';
import { stateFiles } from '../../lib/app/state-files.ts';
import { instanceBody } from '../helpers/client.ts';
import { type Program, Programs } from '../helpers/program.ts';

describe('merapi check, backup and restore', () => {
  const programs = new Programs();
  after(() => programs.close());
  let dir: string;
  let folder: string;
  let file: string;
  let program: Program;
  const merapi = (...args: string[]) => programs.run(args);
  const check = (where: string) => merapi('check', '--dir', where);
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );
  before(async () => {
    folder = await programs.folder();
    dir = join(folder, 'state');
    file = join(folder, 'backup');
    program = await programs.up({ dir, users: null, ssl: true });
  });

  it('make a whole backup while jobs run, and tell that the state is right', async () => {
    const client = await program.client();
    const names = Array.from({ length: 4 }, (_, index) => `web${index}.example.com`);
    let isOver = false;
    const made = names.map(async (name) => {
      await client.done('POST', '/2/instances', instanceBody(name));
      while (!isOver) await client.done('PUT', `/2/instances/${name}/tags?tag=${Math.random()}`);
    });
    for (let round = 0; round < 4; round++) {
      const backup = await merapi('backup', file, '--dir', dir, ...(round > 0 ? ['--force'] : []));
      assert.equal(backup.code, 0, backup.stderr);
      assert.match(
        backup.stdout,
        /^The backup of cluster cluster\.example\.com is in \S+backup \(\d+ bytes; nodes: 1, /,
      );
      const told = await check(dir);
      assert.equal(told.code, 0, told.stdout);
    }
    isOver = true;
    await Promise.all(made);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['backup', 'state'], 'nothing else is left');
    const told = await merapi('check', '--dir', dir, '--json');
    const { total, problems, instances, openJobs } = JSON.parse(told.stdout);
    assert.deepEqual([total, problems, instances, openJobs], [0, [], 4, 0]);
  });

  it('refuse to take the place of a file that is there, or of a folder, unless told', async () => {
    const before = await readFile(file);
    const again = await merapi('backup', file, '--dir', dir);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^merapi: \S+backup exists already; use another file, or .*--force\n$/);
    assert.deepEqual(await readFile(file), before);
    for (const forced of [[], ['--force']]) {
      const onto = await merapi('backup', dir, '--dir', dir, ...forced);
      assert.equal(onto.code, 2);
      assert.match(onto.stderr, /state is not a file; give the path of a file/);
    }
    const nowhere = await merapi('backup', join(folder, 'no', 'where'), '--dir', dir);
    assert.match(nowhere.stderr, /^merapi: There is no folder \S+no; create it or use another one\n$/);
    assert.deepEqual(await readdir(folder), ['backup', 'state'], 'nothing else is left');
  });

  it('refuse to restore into a folder in which a master runs, or that holds a cluster', async () => {
    const busy = await merapi('restore', file, '--dir', dir, '--force');
    assert.equal(busy.code, 2);
    assert.match(busy.stderr, /^merapi: .* is in use by the process/);
    await (await program.client()).done('DELETE', '/2/instances/web0.example.com');
    await program.stop();
    const held = await merapi('restore', file, '--dir', dir);
    assert.deepEqual([held.code, /--force replaces it/.test(held.stderr)], [2, true]);
    assert.equal((await check(dir)).code, 0);
  });

  it('restore a cluster that starts, into a new folder', async () => {
    const other = join(folder, 'other');
    const restored = await merapi('restore', file, '--dir', other);
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(
      restored.stdout,
      /^The cluster cluster\.example\.com is restored in .*other \(nodes: 1, instances: /,
    );
    assert.equal((await check(other)).code, 0);
    assert.deepEqual(
      (await readdir(other)).filter((name) => name.startsWith('restor') || name.startsWith('before')),
      [],
    );
    for (const name of stateFiles.filter(
      (each) => each !== 'cluster.db' && !each.startsWith('certificates/rapi'),
    ))
      assert.deepEqual(await readFile(join(other, name)), await readFile(join(dir, name)), name);
    await rm(other, { recursive: true });
  });

  it('restore in place of a cluster, keep that, and the master goes on from the backup', async () => {
    const restored = await merapi('restore', file, '--dir', dir, '--force');
    assert.equal(restored.code, 0, restored.stderr);
    const kept = /^The state that was there before is in (.*)$/m.exec(restored.stdout)?.[1] ?? assert.fail();
    for (const name of stateFiles) assert.ok(await isThere(join(kept, name)), name);
    program = await programs.up({ dir, users: null });
    const client = await program.client([
      'admin',
      (await readFile(layoutOf(dir).adminPassword, 'utf8')).trim(),
    ]);
    for (const job of await client.get<{ id: number }[]>('/2/jobs')) await client.jobEnd(job.id);
    const names = (await client.get<{ id: string }[]>('/2/instances')).map(({ id }) => id);
    assert.ok(names.includes('web0.example.com'), 'what was removed after the backup is there again');
    await client.done('PUT', '/2/instances/web0.example.com/tags?tag=again');
    await program.stop();
    assert.equal((await check(dir)).code, 0);
  });

  it('finish a restore that was broken off after it was decided, and forget one that was not', async () => {
    const other = join(folder, 'broken');
    await merapi('restore', file, '--dir', other);
    await cp(other, join(folder, 'whole'), { recursive: true });
    // Not decided: the files were gathered only.
    await mkdir(join(other, 'restore.tmp', 'new'), { recursive: true });
    await writeFile(join(other, 'restore.tmp', 'new', 'cluster.db'), 'half');
    assert.equal((await check(other)).code, 0);
    // Decided, and broken off at each of its moments.
    const states: [string, (restoring: string) => Promise<unknown>][] = [
      ['nothing moved yet', async () => undefined],
      [
        'the old store moved',
        async (restoring) => {
          await mkdir(join(restoring, 'old'));
          await rename(join(other, 'cluster.db'), join(restoring, 'old', 'cluster.db'));
        },
      ],
      [
        'the new files half placed',
        async (restoring) => {
          await mkdir(join(restoring, 'old'));
          for (const name of ['cluster.db', 'secret.key', 'certificates', 'rapi', 'nodes', 'admin-password'])
            await rename(join(other, name), join(restoring, 'old', name));
          await rename(join(other, 'cluster-domain-secret'), join(restoring, 'old', 'cluster-domain-secret'));
          await rename(join(restoring, 'new'), join(restoring, 'placing'));
          await rename(join(restoring, 'placing', 'cluster.db'), join(other, 'cluster.db'));
        },
      ],
    ];
    for (const [what, arrange] of states) {
      const restoring = join(other, 'restoring');
      await mkdir(restoring);
      await cp(join(folder, 'whole'), join(restoring, 'new'), { recursive: true });
      await rm(join(restoring, 'new', 'lock'), { recursive: true });
      await arrange(restoring);
      const looked = await check(other);
      assert.equal(looked.code, 2, what);
      assert.match(looked.stderr, /A restore into .* was interrupted/);
      const again = await merapi('restore', file, '--dir', other);
      assert.match(again.stderr, /contains a cluster/, 'it is finished, and then there is one');
      assert.equal(await isThere(restoring), false);
      const told = await check(other);
      assert.deepEqual([told.code, told.stdout.includes('No problem')], [0, true], what);
    }
    assert.equal((await readdir(other)).filter((name) => name.startsWith('before-restore-')).length, 3);
  });

  it('refuse a backup that was damaged, and leave nothing of it', async () => {
    const bytes = await readFile(file);
    const damaged = join(folder, 'damaged');
    for (const at of [3000, bytes.length >> 1, bytes.length - 1500]) {
      const other = Buffer.from(bytes);
      other[at] = (other[at] ?? 0) ^ 1;
      await writeFile(damaged, other);
      const result = await merapi('restore', damaged, '--dir', join(folder, 'none', 'at', 'all'));
      assert.equal(result.code, 2);
      assert.match(result.stderr, /^merapi: The backup .*damaged[^\n]*\n$/);
      assert.equal(await isThere(join(folder, 'none')), false);
    }
  });

  it('tell what is wrong, a line each, and keep no backup of it unless told', async () => {
    const other = join(folder, 'wrong');
    await merapi('restore', file, '--dir', other);
    const { certificates, secretKey, users } = layoutOf(other);
    await rename(join(certificates, 'ca.pem'), join(certificates, 'ca.old'));
    const without = await check(other);
    assert.deepEqual([without.code, /ca\.pem: is missing; restore it/.test(without.stdout)], [1, true]);
    await rename(join(certificates, 'ca.old'), join(certificates, 'ca.pem'));
    await writeFile(join(certificates, 'master.key'), 'no key');
    await writeFile(join(certificates, 'rapi.pem'), 'no certificate');
    await cp(join(certificates, 'ca.key'), join(certificates, 'rapi.key'));
    await writeFile(join(layoutOf(other).nodes, 'node1.example.com', 'node.key'), 'no key');
    await writeFile(secretKey, 'no key');
    await writeFile(layoutOf(other).sharedSecret, '');
    await writeFile(users, 'alice\n');
    const told = await check(other);
    assert.equal(told.code, 1);
    const lines = told.stdout.trim().split('\n');
    const expected = [
      /secret\.key: is not a key: .*; restore it/,
      /cluster-domain-secret: is missing or empty; restore it/,
      /rapi\/users: Line 1 .* has no password/,
      /master\.key: does not belong to the certificate beside it; remove it and its key/,
      /rapi\.pem: is not a certificate/,
      /node\.key: does not belong/,
    ];
    for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
    assert.equal(lines.length, expected.length);
    const backup = await merapi('backup', join(folder, 'bad'), '--dir', other);
    assert.deepEqual([backup.code, await isThere(join(folder, 'bad'))], [1, false]);
    assert.match(backup.stderr, /has problems, so no backup was kept/);
    const kept = await merapi('backup', join(folder, 'bad'), '--dir', other, '--with-problems');
    assert.equal(kept.code, 0, kept.stderr);
    const refused = await merapi('restore', join(folder, 'bad'), '--dir', join(folder, 'again'));
    assert.deepEqual([refused.code, await isThere(join(folder, 'again'))], [1, false]);
    assert.equal((await check(join(folder, 'nowhere'))).code, 2);
  });

  it('are what a master names that cannot start from its state', async () => {
    const other = join(folder, 'unfit');
    await merapi('restore', file, '--dir', other);
    const { database } = layoutOf(other);
    const good = await readFile(database);
    const half = Buffer.from(good);
    half.fill(0xff, 4096);
    const bad: [content: Buffer | string, message: RegExp][] = [
      ['', /cluster\.db: the file is empty; .*merapi check.*merapi restore/],
      ['no database'.repeat(1000), /cluster\.db: the file is not a database/],
      [half, /cluster\.db.*merapi check.*merapi restore/],
    ];
    for (const [content, message] of bad) {
      await writeFile(database, content);
      for (const command of ['up', 'master']) {
        const ended = await merapi(command, '--dir', other, '--port', '0', '--no-ssl');
        assert.equal(ended.code, 1, ended.stderr);
        assert.match(ended.stderr, message);
        assert.match(ended.stderr, /^merapi: [^\n]*\n$/, 'one line');
      }
    }
  });
});
