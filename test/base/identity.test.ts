import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { type Issuer, identityIn } from '../../lib/base/identity.ts';
import { nodeRole, rolesOf } from '../../lib/base/roles.ts';
import { DAY, issueAuthority } from '../../lib/base/tls.ts';
import { inFolder } from './folder.ts';

async function anIssuer(name = 'Test authority', older: Issuer['trusted'] = []): Promise<Issuer> {
  const signer = await issueAuthority(name);
  return { signer, chain: '', trusted: [...older, new X509Certificate(signer.cert)] };
}

describe('identityIn', () => {
  let issuer: Issuer;
  const subject = { commonName: 'rapi', hosts: ['localhost'], role: nodeRole('rapi') };

  before(async () => {
    issuer = await anIssuer();
  });

  it('keeps an identity, its key for the owner only', () =>
    inFolder(async (folder) => {
      const first = await identityIn(folder, 'rapi', subject, issuer);
      assert.deepEqual(await identityIn(folder, 'rapi', subject, issuer), first);
      assert.equal(await readFile(join(folder, 'rapi.pem'), 'utf8'), first.cert);
      assert.equal((await stat(join(folder, 'rapi.key'))).mode & 0o777, 0o600);
    }));

  it('makes a certificate again, for the same key, for a further host, another role and another authority', () =>
    inFolder(async (folder) => {
      const first = await identityIn(folder, 'rapi', subject, issuer);
      const wider = { ...subject, hosts: ['localhost', '192.0.2.1'] };
      const second = await identityIn(folder, 'rapi', wider, issuer);
      assert.notEqual(second.cert, first.cert);
      assert.equal(new X509Certificate(second.cert).checkIP('192.0.2.1'), '192.0.2.1');
      assert.deepEqual(await identityIn(folder, 'rapi', subject, issuer), second, 'fewer hosts are fine');

      const other = await identityIn(folder, 'rapi', { ...wider, role: nodeRole('other') }, issuer);
      assert.deepEqual(rolesOf(new X509Certificate(other.cert)), ['merapi:node:other']);

      const stranger = { ...(await anIssuer()), chain: '# leads to others\n' };
      const third = await identityIn(folder, 'rapi', wider, stranger);
      assert.ok(new X509Certificate(third.cert).verify(new X509Certificate(stranger.signer.cert).publicKey));
      assert.ok(third.cert.endsWith('# leads to others\n'));
      assert.deepEqual(new Set([first, second, other, third].map(({ key }) => key)), new Set([first.key]));
    }));

  it('keeps what an older authority has signed', () =>
    inFolder(async (folder) => {
      const first = await identityIn(folder, 'rapi', subject, issuer);
      const next = await anIssuer('Test authority 2', issuer.trusted);
      assert.deepEqual(await identityIn(folder, 'rapi', subject, next), first);
    }));

  it('makes again what ends within a third of a year, and what is not valid yet', () =>
    inFolder(async (folder) => {
      const now = Date.now();
      const at = (time: number) => identityIn(folder, 'rapi', subject, issuer, time);
      const first = await at(now);
      assert.deepEqual(await at(now + 240 * DAY), first);
      const second = await at(now + 250 * DAY);
      assert.notEqual(second.cert, first.cert);
      const third = await at(now);
      assert.notEqual(third.cert, second.cert, 'the clock went back');
      assert.ok(Date.parse(new X509Certificate(third.cert).validFrom) < now);
    }));

  it('makes again what is missing, damaged or does not belong together', () =>
    inFolder(async (folder) => {
      const [cert, key] = [join(folder, 'rapi.pem'), join(folder, 'rapi.key')];
      const damages = [
        () => rm(cert),
        () => rm(key),
        () => writeFile(cert, 'no certificate'),
        () => writeFile(key, 'no key'),
        () => copyFile(join(folder, 'other.key'), key),
      ];
      await identityIn(folder, 'other', subject, issuer);
      for (const damage of damages) {
        const last = await identityIn(folder, 'rapi', subject, issuer);
        await damage();
        const next = await identityIn(folder, 'rapi', subject, issuer);
        assert.notEqual(next.cert, last.cert);
        assert.equal(new X509Certificate(next.cert).toString(), next.cert);
        assert.deepEqual(await identityIn(folder, 'rapi', subject, issuer), next);
      }
    }));
});
