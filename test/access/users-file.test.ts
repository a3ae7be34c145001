import assert from 'node:assert/strict';
import { lstat, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { readUsers, saveUsers } from '../../lib/access/users-edit.ts';
import { UsersFile } from '../../lib/access/users-file.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'merapi-users-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** A logger with the messages that it was given. */
function recorder() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: pino(stream), lines };
}

test('a changed file counts from the next authentication on', async (t) => {
  const path = join(await folder(t), 'users');
  await writeFile(path, 'a one write\n');
  const users = new UsersFile(path, silentLogger, systemClock);
  assert.ok(users.authenticate('a', 'one'));
  await writeFile(path, 'a two write\n'); // same size, perhaps within one tick of the file system's clock
  assert.equal(users.authenticate('a', 'one'), null);
  assert.ok(users.authenticate('a', 'two'));
  await writeFile(`${path}.new`, 'b three\n');
  await rename(`${path}.new`, path);
  assert.equal(users.authenticate('a', 'two'), null);
  assert.ok(users.authenticate('b', 'three'));
  await writeFile(path, '');
  assert.equal(users.authenticate('b', 'three'), null);
});

test('a broken or missing file keeps the old users and is told once, without passwords', async (t) => {
  const path = join(await folder(t), 'users');
  await writeFile(path, 'a one write\n');
  const { log, lines } = recorder();
  const users = new UsersFile(path, log, systemClock);
  await writeFile(path, 'a topsecret\nlonely\n');
  assert.ok(users.authenticate('a', 'one'));
  assert.ok(users.authenticate('a', 'one'));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /Line 2/);
  await rm(path);
  users.reload();
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /ENOENT/);
  assert.ok(users.authenticate('a', 'one'));
  assert.equal(lines.length, 2);
  await writeFile(path, 'a one write\nb {what}topsecret\n');
  users.reload();
  assert.ok(users.authenticate('a', 'one'));
  assert.match(lines[2] ?? '', /unknown scheme 'what'/);
  await rm(path);
  assert.ok(users.authenticate('a', 'one'));
  assert.equal(lines.filter((line) => line.includes('ENOENT')).length, 2, 'a second loss is told again');
  assert.ok(!lines.join().includes('topsecret'));
});

test('a file that is missing or broken from the start is refused', async (t) => {
  const path = join(await folder(t), 'users');
  assert.throws(() => new UsersFile(path, silentLogger, systemClock), {
    code: 'configuration',
    message: /users is missing; make it/,
  });
  await writeFile(path, 'lonely\n');
  assert.throws(() => new UsersFile(path, silentLogger, systemClock), {
    code: 'configuration',
    message: /Line 1/,
  });
});

test('a file that is not UTF-8 is refused with the line, at the start, later and for those who edit it', async (t) => {
  const path = join(await folder(t), 'users');
  const latin1 = Buffer.from('# ok\nalice secret\nbj\xf6rn pass\n', 'latin1');
  await writeFile(path, latin1);
  const refused = {
    code: 'configuration',
    message: /^Line 3 of the users file is not text in UTF-8; .*iconv/,
  };
  assert.throws(() => new UsersFile(path, silentLogger, systemClock), refused);
  await assert.rejects(readUsers(path), refused);
  await writeFile(path, 'alice secret\nbj\u00f6rn pass\n');
  const { log, lines } = recorder();
  const users = new UsersFile(path, log, systemClock);
  assert.ok(users.authenticate('bj\u00f6rn', 'pass'));
  await writeFile(path, latin1);
  users.reload();
  assert.ok(users.authenticate('bj\u00f6rn', 'pass'), 'the users read before stay');
  assert.match(lines.join(''), /Line 3 of the users file is not text in UTF-8/);
  assert.doesNotMatch(lines.join(''), /pass\\n|secret/);
  await writeFile(path, Buffer.concat([Buffer.from('a b'), Buffer.from([0xff])]));
  await assert.rejects(readUsers(path), { message: /^Line 1 / });
  await rm(path);
  assert.equal(await readUsers(path), null);
});

test('saving keeps a symbolic link and makes the file private', async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'real'), 'a one\n', { mode: 0o644 });
  await symlink('real', join(path, 'users'));
  await saveUsers(join(path, 'users'), 'a two\n');
  assert.ok((await lstat(join(path, 'users'))).isSymbolicLink());
  assert.equal(await readFile(join(path, 'real'), 'utf8'), 'a two\n');
  assert.equal((await stat(join(path, 'real'))).mode & 0o777, 0o600);
  await saveUsers(join(path, 'fresh'), 'b c\n');
  assert.equal((await stat(join(path, 'fresh'))).mode & 0o777, 0o600);
});
