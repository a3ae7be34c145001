import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { nodeRole, type Role, rolesOf } from '../../lib/base/roles.ts';
import {
  crossSign,
  type Identity,
  issue,
  issueAlone,
  issueAuthority,
  issueFor,
  publicKeyOf,
  type Subject,
} from '../../lib/base/tls.ts';

const hosts = ['localhost', 'node1.example.com', '127.0.0.1', '::1'];

describe('certificates', () => {
  let authority: Identity;
  let node: Identity;

  before(async () => {
    authority = await issueAuthority('Test authority');
    node = await issue({ commonName: 'node1.example.com', hosts }, authority);
  });

  /** A certificate for the key of the node. */
  const certificateOf = (subject: Subject) =>
    new X509Certificate(issueFor(publicKeyOf(node.key), subject, authority));

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
    const stranger = await issueAuthority('Test authority');
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

  it('are valid from yesterday on for a year, with a serial number of their own', () => {
    const [one, other] = [new X509Certificate(node.cert), new X509Certificate(authority.cert)];
    assert.ok(Date.parse(one.validFrom) < Date.now() - 23 * 3600_000);
    const days = (Date.parse(one.validTo) - Date.now()) / (24 * 3600_000);
    assert.ok(days > 364 && days < 366);
    assert.notEqual(one.serialNumber, other.serialNumber);
    assert.match(one.serialNumber, /^01[0-9A-F]{30}$/);
  });

  it('of authorities are valid for ten years, whatever the clock said before', () => {
    const certificate = new X509Certificate(authority.cert);
    assert.equal(Date.parse(certificate.validFrom), 0);
    const years = (Date.parse(certificate.validTo) - Date.now()) / (365 * 24 * 3600_000);
    assert.ok(years > 9.9 && years < 10.1);
  });

  it('end with their issuer at the latest', async () => {
    const late = Date.parse(new X509Certificate(authority.cert).validTo) - 1000;
    const subject = { commonName: 'late', hosts: ['late'] };
    const certificate = new X509Certificate(issueFor(publicKeyOf(node.key), subject, authority, late));
    assert.equal(Date.parse(certificate.validTo), late + 1000);
  });

  it('say what their holders may do', () => {
    const use = (role?: Role) => certificateOf({ commonName: 'x', hosts: ['x'], role }).keyUsage;
    const [server, client] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
    assert.deepEqual(use('merapi:role:master'), [client]);
    assert.deepEqual(use('merapi:role:api'), [server]);
    assert.deepEqual(use('merapi:node:x'), [server, client]);
    assert.deepEqual(use(), [server, client]);
  });

  it('hold no role but the one that was given, however their names look', async () => {
    const hosts = ['URI:merapi:role:master', 'x, URI:merapi:role:master'];
    const tricky = certificateOf({ commonName: 'merapi:role:master', hosts, role: nodeRole('x') });
    assert.deepEqual(rolesOf(tricky), ['merapi:node:x']);
    assert.deepEqual(rolesOf(certificateOf({ commonName: 'merapi:role:master', hosts })), []);
    assert.deepEqual(rolesOf(new X509Certificate((await issueAlone('merapi:role:master', 60)).cert)), []);
  });

  it('have a common name of at most 64 characters, and the whole name beside it', () => {
    const name = `${'n'.repeat(63)}.${'m'.repeat(63)}.example.com`;
    const certificate = certificateOf({ commonName: name, hosts: [name] });
    assert.equal(certificate.subject, `CN=${name.slice(0, 61)}...`);
    assert.equal(certificate.checkHost(name), name);
  });

  it('are believed by who knows only an older authority that vouches for theirs', async () => {
    const next = await issueAuthority('Test authority 2');
    const young = await issue({ commonName: 'node1.example.com', hosts }, next);
    const chain = { key: young.key, cert: young.cert + crossSign(next, authority) };
    assert.equal(await handshake(chain, chain, authority.cert, 'localhost'), 'node1.example.com');
    assert.equal(await handshake(chain, chain, next.cert, 'localhost'), 'node1.example.com');
    assert.equal(await handshake(chain, node, authority.cert + next.cert, 'localhost'), 'node1.example.com');
    await assert.rejects(handshake(young, young, authority.cert, 'localhost'));
  });
});
