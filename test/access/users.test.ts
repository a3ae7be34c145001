import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashPassword, parseUsers, verifyUser } from '../../lib/access/users.ts';
import { withoutUser, withUser } from '../../lib/access/users-edit.ts';
import { MerapiError } from '../../lib/base/errors.ts';

const check = (text: string, name: string, password: string) =>
  verifyUser(parseUsers(text).users, name, password);

test('users: schemes in any letter case, options, comments, empty lines', () => {
  const text = [
    '# a comment',
    '',
    '  admin   secret  write ',
    'reader\t{CLEARTEXT}foo read,write',
    'nobody {HA1}bcb1787a4e91ba9d1339ac58a9d4b411',
    'upper {ha1}BCB1787A4E91BA9D1339AC58A9D4B411\r',
    'spaced pw read, write',
  ].join('\n');
  assert.deepEqual(check(text, 'admin', 'secret'), { name: 'admin', rights: ['write'] });
  assert.deepEqual(check(text, 'reader', 'foo'), { name: 'reader', rights: ['read', 'write'] });
  assert.deepEqual(check(text, 'nobody', 'pw'), { name: 'nobody', rights: [] });
  assert.deepEqual(check(text, 'spaced', 'pw')?.rights, ['read', 'write']);
  assert.equal(check(text, 'upper', 'pw'), null, 'the hash is that of another name');
  for (const [name, password] of [
    ['admin', 'Secret'],
    ['admin', ''],
    ['', ''],
    ['ghost', 'secret'],
    ['reader', '{CLEARTEXT}foo'],
    ['nobody', 'bcb1787a4e91ba9d1339ac58a9d4b411'],
    ['#', 'a'],
    ['__proto__', 'x'],
  ] as const)
    assert.equal(check(text, name, password), null, `${name}:${password}`);
});

test('users: a hash works in capital letters and passwords may hold colons and hashes', () => {
  const hashed = hashPassword('upper', 'pw').toUpperCase();
  assert.ok(check(`upper ${hashed}`, 'upper', 'pw'));
  assert.ok(check('a b:#c:d', 'a', 'b:#c:d'));
});

test('users: unusable passwords and unknown options are told without the password', () => {
  const text = 'a {md5}topsecret write\nb {ha1}topsecret\nc {cleartext}\nd topsecret read,fly\nd topsecret2';
  const { warnings } = parseUsers(text);
  assert.equal(warnings.length, 5);
  assert.match(warnings[0] ?? '', /Line 1, user 'a': unknown scheme 'md5'/);
  assert.match(warnings[3] ?? '', /'fly'/);
  assert.match(warnings[4] ?? '', /line 4/);
  assert.ok(!warnings.join().includes('topsecret'));
  for (const name of ['a', 'b'])
    for (const password of ['topsecret', '{md5}topsecret', ''])
      assert.equal(check(text, name, password), null);
  assert.equal(check(text, 'c', ''), null);
  assert.equal(check(text, 'd', 'topsecret'), null, 'the last line counts');
  assert.ok(check(text, 'd', 'topsecret2'));
});

test('users: a line without a password is an error that names the line', () => {
  assert.throws(
    () => parseUsers('a b\n\nlonely\n'),
    (error: MerapiError) => error.code === 'configuration' && /Line 3/.test(error.message),
  );
});

test('editing keeps comments, order and the other users', () => {
  const text = '# head\nadmin secret write\n\n# about bob\nbob pw read\n';
  const changed = withUser(text, 'admin', 'new one', ['read']);
  assert.match(changed, /^# head\nadmin \{ha1\}[0-9a-f]{32} read\n\n# about bob\nbob pw read\n$/);
  assert.deepEqual(check(changed, 'admin', 'new one'), { name: 'admin', rights: ['read'] });
  assert.equal(check(changed, 'admin', 'secret'), null);
  assert.equal(withUser('# x', 'carl', 'p', []), `# x\ncarl ${hashPassword('carl', 'p')}\n`);
  assert.equal(withoutUser(text, 'bob'), '# head\nadmin secret write\n\n# about bob\n');
  assert.equal(withoutUser('a b\na c\n', 'a'), '');
});

test('editing refuses names that the file or HTTP cannot carry, empty passwords and unknown users', () => {
  for (const name of ['', 'a b', 'a:b', '#a', 'a\nb'])
    assert.throws(() => withUser('', name, 'pw', []), { code: 'wrong_input' }, name);
  assert.throws(() => withUser('', 'a', '', []), { code: 'wrong_input' });
  assert.throws(() => withoutUser('a b', 'b'), { code: 'not_found' });
  assert.throws(() => withUser('lonely', 'a', 'pw', []), MerapiError);
});

test('property: whoever is added can come in with that password and no other', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_.@-]{0,12}$/);
  const password = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(name, name, password, password, (one, other, mine, theirs) => {
      fc.pre(one !== other && mine !== theirs);
      const text = withUser(withUser('', one, mine, ['write']), other, theirs, []);
      assert.deepEqual(check(text, one, mine), { name: one, rights: ['write'] });
      assert.equal(check(text, one, theirs), null);
      assert.equal(check(withoutUser(text, one), one, mine), null);
      assert.ok(check(withoutUser(text, one), other, theirs));
    }),
    { numRuns: 50 },
  );
});
