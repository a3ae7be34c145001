import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, readFile, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type Identity, identityIn, issue } from '../../lib/base/tls.ts';
import { inFolder } from './folder.ts';

const hosts = ['localhost', 'node1.example.com', '127.0.0.1', '::1'];

describe('certificates', () => {
  let authority: Identity;
  let node: Identity;

  before(async () => {
    authority = await issue({ commonName: 'Test authority', hosts: [] }, null);
    node = await issue({ commonName: 'node1.example.com', hosts }, authority);
  });

  /** Connects to a server of this identity that asks for a client certificate; gives what the client's end came to. */
  async function handshake(server: Identity, client: Identity | null, ca: string, servername: string) {
    const listener = createServer(
      { ...server, ca, requestCert: true, rejectUnauthorized: true },
      (socket) => {
        socket.end(String(socket.getPeerCertificate().subject.CN));
      },
    );
    listener.on('tlsClientError', () => undefined);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const socket: TLSSocket = connect({ ...client, host: '127.0.0.1', port, ca, servername });
    try {
      let text = '';
      for await (const part of socket.setEncoding('utf8')) text += part;
      if (text === '') throw new Error('the server hung up');
      return text;
    } finally {
      socket.destroy();
      listener.close();
    }
  }

  it('make a mutual TLS connection for each of their hosts', async () => {
    for (const name of ['localhost', 'node1.example.com'])
      assert.equal(await handshake(node, node, authority.cert, name), 'node1.example.com');
    const certificate = new X509Certificate(node.cert);
    for (const address of ['127.0.0.1', '::1']) assert.equal(certificate.checkIP(address), address);
  });

  it('are refused for other hosts, from other authorities, and when there is none', async () => {
    const stranger = await issue({ commonName: 'Test authority', hosts: [] }, null);
    await assert.rejects(handshake(node, node, authority.cert, 'node2.example.com'), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await assert.rejects(handshake(node, node, stranger.cert, 'localhost'));
    await assert.rejects(handshake(node, null, authority.cert, 'localhost'));
    const forged = await issue({ commonName: 'node1.example.com', hosts }, stranger);
    await assert.rejects(handshake(node, forged, authority.cert, 'localhost'));
  });

  it('of nodes cannot sign others', async () => {
    assert.equal(new X509Certificate(authority.cert).ca, true);
    assert.equal(new X509Certificate(node.cert).ca, false);
    const below = await issue({ commonName: 'localhost', hosts: ['localhost'] }, node);
    const chain = { key: below.key, cert: below.cert + node.cert };
    await assert.rejects(handshake(chain, node, authority.cert, 'localhost'));
  });

  it('are valid from yesterday on for ten years, with a serial number of their own', () => {
    const [one, other] = [new X509Certificate(node.cert), new X509Certificate(authority.cert)];
    assert.ok(Date.parse(one.validFrom) < Date.now() - 23 * 3600_000);
    const years = (Date.parse(one.validTo) - Date.now()) / (365 * 24 * 3600_000);
    assert.ok(years > 9.9 && years < 10.1);
    assert.notEqual(one.serialNumber, other.serialNumber);
    assert.match(one.serialNumber, /^01[0-9A-F]{30}$/);
  });
});

describe('identityIn', () => {
  let authority: Identity;
  const subject = { commonName: 'rapi', hosts: ['localhost'] };

  before(async () => {
    authority = await issue({ commonName: 'Test authority', hosts: [] }, null);
  });

  it('keeps an identity, its key for the owner only', () =>
    inFolder(async (folder) => {
      const first = await identityIn(folder, 'rapi', subject, authority);
      assert.deepEqual(await identityIn(folder, 'rapi', subject, authority), first);
      assert.equal(await readFile(join(folder, 'rapi.pem'), 'utf8'), first.cert);
      assert.equal((await stat(join(folder, 'rapi.key'))).mode & 0o777, 0o600);
    }));

  it('keeps an authority that signed itself', () =>
    inFolder(async (folder) => {
      const own = { commonName: 'authority', hosts: [] };
      const first = await identityIn(folder, 'ca', own, null);
      assert.deepEqual(await identityIn(folder, 'ca', own, null), first);
    }));

  it('makes a new one for a further host, another issuer, and files that do not belong together', () =>
    inFolder(async (folder) => {
      const first = await identityIn(folder, 'rapi', subject, authority);
      const wider = { ...subject, hosts: ['localhost', '192.0.2.1'] };
      const second = await identityIn(folder, 'rapi', wider, authority);
      assert.notEqual(second.cert, first.cert);
      assert.equal(new X509Certificate(second.cert).checkIP('192.0.2.1'), '192.0.2.1');
      assert.deepEqual(await identityIn(folder, 'rapi', subject, authority), second, 'fewer hosts are fine');

      const successor = await issue({ commonName: 'Test authority', hosts: [] }, null);
      const third = await identityIn(folder, 'rapi', wider, successor);
      assert.ok(new X509Certificate(third.cert).verify(new X509Certificate(successor.cert).publicKey));

      await identityIn(folder, 'other', wider, successor);
      await copyFile(join(folder, 'other.key'), join(folder, 'rapi.key'));
      const fourth = await identityIn(folder, 'rapi', wider, successor);
      assert.notEqual(fourth.cert, third.cert);
    }));
});
