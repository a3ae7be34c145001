import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openSeal, sealOf } from '../../lib/base/seal.ts';
import { inFolder } from './folder.ts';

describe('a seal', () => {
  const seal = sealOf(randomBytes(32));

  it('opens what it closed and shows nothing of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const sealed = seal.close(text);
        assert.equal(seal.open(sealed), text);
        assert.notEqual(seal.close(text), sealed, 'the same text is closed differently each time');
        if (text.length > 8) assert.ok(!Buffer.from(sealed, 'base64').toString('utf8').includes(text));
      }),
    );
  });

  it('refuses another key, and any change of any byte', () => {
    const sealed = seal.close('secret');
    assert.throws(() => sealOf(randomBytes(32)).open(sealed), { code: 'internal_error' });
    const bytes = Buffer.from(sealed, 'base64');
    for (const [index, byte] of bytes.entries()) {
      const changed = Buffer.from(bytes);
      changed[index] = byte ^ 1;
      assert.throws(() => seal.open(changed.toString('base64')), { code: 'internal_error' });
      assert.throws(() => seal.open(bytes.subarray(0, index).toString('base64')), { code: 'internal_error' });
    }
  });
});

describe('openSeal', () => {
  it('makes the key once, for its owner only', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'keys', 'secret.key');
      const sealed = (await openSeal(path, join(folder, 'shared'))).close('x');
      const key = await readFile(path, 'utf8');
      assert.match(key, /^[0-9a-f]{64}\n$/);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await openSeal(path, join(folder, 'shared'))).open(sealed), 'x');
      assert.equal(await readFile(path, 'utf8'), key);
    }));

  it('refuses a file that is no key instead of replacing it', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'secret.key');
      for (const text of ['abcd', 'x'.repeat(64), `${'0'.repeat(63)}\n`]) {
        await writeFile(path, text);
        await assert.rejects(openSeal(path, join(folder, 'shared')), {
          code: 'configuration',
          message: /64 hexadecimal digits/,
        });
        assert.equal(await readFile(path, 'utf8'), text);
      }
    }));

  it('signs as every cluster with the same shared secret does, and as no other', () =>
    inFolder(async (folder) => {
      const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      const shared = join(folder, 'cluster-domain-secret');
      const seals = [
        await openSeal(one, shared),
        await openSeal(two, shared),
        await openSeal(three, `${shared}2`),
      ];
      const [a, b, c] = seals.map((each) => each.sign('Hi'));
      assert.match(a ?? '', /^[0-9a-f]{40}$/);
      assert.equal(a, b);
      assert.notEqual(a, c);
      assert.equal((await stat(shared)).mode & 0o777, 0o600);
      await writeFile(shared, ' key \n');
      const known = (await openSeal(one, shared)).sign('The quick brown fox jumps over the lazy dog');
      assert.equal(known, 'de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9', 'a known answer of HMAC-SHA1');
      await writeFile(shared, '\n');
      await assert.rejects(openSeal(one, shared), {
        code: 'configuration',
        message: /must contain the secret/,
      });
    }));
});
