import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Authorities, openAuthorities } from '../../lib/app/authorities.ts';
import { equipNode, masterTls, nodeTls, rapiIdentity, renewedNode } from '../../lib/app/certificates.ts';
import { type Layout, layoutOf } from '../../lib/app/layout.ts';
import { certificatesIn, isIssuer } from '../../lib/base/roles.ts';
import { DAY } from '../../lib/base/tls.ts';

const YEAR = 365 * DAY;
const now = Date.now();

let layout: Layout;
/** Gives each test of a suite a folder of its own; outside of one this would be done for the tests of all files. */
function withFolders(): void {
  beforeEach(async () => {
    layout = layoutOf(await mkdtemp(join(tmpdir(), 'merapi-authorities-')));
  });
  afterEach(() => rm(layout.dir, { recursive: true, force: true }));
}

const open = (years = 0) => openAuthorities(layout, now + years * YEAR);
const files = async () => (await readdir(layout.certificates)).sort();
const read = (name: string) => readFile(join(layout.certificates, name), 'utf8');
/** All but what X509Certificate keeps for itself. */
const said = ({ signer, chain, bundle }: Authorities) => ({ signer, chain, bundle });
const names = (authorities: Authorities) => authorities.trusted.map(({ subject }) => subject);

/** Whether somebody who trusts only these believes what an authority signs now. */
function isBelieved(by: readonly X509Certificate[], { signer, chain }: Authorities): boolean {
  let last = certificatesIn(signer.cert)[0] as X509Certificate;
  if (by.some((each) => each.fingerprint256 === last.fingerprint256)) return true;
  for (const above of certificatesIn(chain)) {
    if (
      above.publicKey.export({ type: 'spki', format: 'pem' }) !==
      last.publicKey.export({ type: 'spki', format: 'pem' })
    )
      return false;
    const issuer = by.find((each) => isIssuer(each, above));
    if (issuer) return true;
    last = certificatesIn(chain).find((each) => each.subject === above.issuer) ?? last;
  }
  return false;
}

describe('authorities', () => {
  withFolders();
  it('stay as they are for eight years', async () => {
    const first = await open();
    for (const years of [0, 1, 5, 7.9, -30]) assert.deepEqual((await open(years)).signer, first.signer);
    assert.deepEqual(await files(), ['ca.key', 'ca.pem']);
    assert.deepEqual([first.chain, first.bundle], ['', first.signer.cert]);
  });

  it('get a successor that overlaps, and that the older one vouches for', async () => {
    const first = await open();
    const both = await open(8.5);
    assert.deepEqual(names(both), ['CN=Merapi cluster authority', 'CN=Merapi cluster authority 2']);
    assert.deepEqual(both.signer, first.signer, 'the older one signs while everybody learns of the other');
    assert.deepEqual(said(await open(8.6)), said(both));
    const later = await open(9.5);
    assert.notDeepEqual(later.signer, first.signer);
    assert.ok(isBelieved(first.trusted, later));
    assert.equal(later.bundle, both.bundle);
    assert.deepEqual(
      certificatesIn(await read('ca.pem'))
        .map(String)
        .join(''),
      both.bundle,
    );
    assert.deepEqual(await files(), ['ca-2.key', 'ca-2.pem', 'ca.key', 'ca.pem']);
  });

  it('survive a clock that jumps, forwards and back: nobody is separated, and few are made', async () => {
    const first = await open();
    const key = await read('ca.key');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(-40, -1, 0, 5, 8.5, 9.5, 11, 12, 18.5), { maxLength: 9 }),
        async (jumps) => {
          for (const years of jumps) {
            const then = await open(years);
            assert.ok(isBelieved(first.trusted, then), `after ${years} years`);
            const end = Date.parse((certificatesIn(then.signer.cert)[0] as X509Certificate).validTo);
            assert.ok(end > now + (years + 1) * YEAR, 'there is one that can sign');
          }
        },
      ),
      { numRuns: 15 },
    );
    assert.equal(await read('ca.key'), key);
    assert.deepEqual((await open()).signer, first.signer);
    assert.ok((await files()).length <= 2 * 3, (await files()).join(' '));
  });

  it('are never made again when one is lost or wrong: it is told what is missing', async () => {
    await open();
    await writeFile(layout.database, '');
    const [key, pem] = [await read('ca.key'), await read('ca.pem')];
    const wrong: [string, string | null, RegExp][] = [
      ['ca.key', null, /ca\.key, a part of the cluster's authority, is missing; restore it/],
      ['ca.key', 'x', /ca\.key, .* is not the key of the certificate beside it/],
      ['ca.pem', null, /ca\.pem, .* is missing/],
      ['ca.pem', '', /ca\.pem, .* contains no certificate/],
      ['ca.pem', pem.replace(/M/g, '!'), /ca\.pem, .* (cannot be read|contains no certificate)/],
    ];
    for (const [name, text, message] of wrong) {
      const file = join(layout.certificates, name);
      await (text === null ? rm(file) : writeFile(file, text));
      await assert.rejects(open(), { code: 'configuration', message });
      await assert.rejects(open(11), { code: 'configuration', message });
      await writeFile(file, name === 'ca.key' ? key : pem);
    }
    assert.deepEqual(await files(), ['ca.key', 'ca.pem']);
  });

  it('are made again where a first start was killed between the key and the certificate', async () => {
    await mkdir(layout.certificates);
    await writeFile(join(layout.certificates, 'ca.key'), 'half');
    const first = await open();
    await writeFile(join(layout.certificates, 'ca-2.key'), 'half');
    const second = await open(8.5);
    assert.equal(second.trusted.length, 2);
    assert.equal(second.bundle.startsWith(first.bundle), true);
    await writeFile(join(layout.certificates, 'ca.pem'), first.bundle);
    assert.deepEqual(said(await open(8.5)), said(second), 'killed before ca.pem held both');
    assert.equal(await read('ca.pem'), second.bundle);
  });
});

describe('certificates', () => {
  withFolders();
  it('are renewed by the clock, and the key of nobody changes', async () => {
    const at = async (years: number) => {
      const time = now + years * YEAR;
      const authorities = await open(years);
      return [
        await masterTls(layout, authorities, time),
        await rapiIdentity(layout, authorities, '::1', time),
      ];
    };
    const first = await at(0);
    assert.deepEqual(await at(0.5), first);
    for (const years of [0.8, 11, 0, -3]) {
      const next = await at(years);
      for (const [index, identity] of next.entries()) {
        const certificate = new X509Certificate(identity.cert);
        assert.equal(identity.key, first[index]?.key);
        assert.ok(Date.parse(certificate.validFrom) <= now + years * YEAR);
        assert.ok(Date.parse(certificate.validTo) > now + years * YEAR + YEAR / 4);
      }
    }
  });

  it('of nodes are renewed for their keys, with what everybody trusts', async () => {
    await equipNode(layout, 'node1', await open());
    const tls = await nodeTls(layout.nodeFolder('node1'));
    const present = { certificate: tls.cert, authorities: tls.ca };
    assert.equal(await renewedNode('node1', present, await open(), now), null);
    const other = await renewedNode('node2', present, await open(), now);
    assert.notEqual(other, null);
    const learned = await renewedNode('node1', present, await open(8.5), now);
    assert.deepEqual(learned, { certificate: tls.cert, authorities: (await open(8.5)).bundle });
    const late = await renewedNode('node1', present, await open(11), now + 11 * YEAR);
    const [own, ...above] = certificatesIn(late?.certificate ?? '');
    assert.ok(own && above.length > 0);
    assert.ok(Date.parse(own.validTo) > now + 11 * YEAR);
    assert.equal(
      own.publicKey.export({ format: 'pem', type: 'spki' }),
      new X509Certificate(tls.cert).publicKey.export({ format: 'pem', type: 'spki' }),
    );
  });
});
