// The certificates of the programs of a cluster: which subject and role each has, and in which files it is.

import { mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { readFileOrNull, writeFileDurably } from '../base/files.ts';
import { identityIn, isUsable } from '../base/identity.ts';
import { API, certificatesIn, MASTER, nodeRole } from '../base/roles.ts';
import { type Identity, issueFor, type Subject, type TlsFiles } from '../base/tls.ts';
import type { NodeCertificate } from '../rpc/renewal.ts';
import type { Authorities } from './authorities.ts';
import { AUTHORITY, type Layout, NODE_IDENTITY } from './layout.ts';

const MASTER_SUBJECT: Subject = { commonName: 'master', hosts: ['master'], role: MASTER };
const nodeSubject = (name: string): Subject => ({ commonName: name, hosts: [name], role: nodeRole(name) });

/** The master's identity for connections to node workers; renewed when it is due. */
export async function masterTls(
  layout: Layout,
  authorities: Authorities,
  now = Date.now(),
): Promise<TlsFiles> {
  const identity = await identityIn(layout.certificates, 'master', MASTER_SUBJECT, authorities, now);
  return { ...identity, ca: authorities.bundle };
}

/**
 * The API server's identity for clients: valid for localhost, 127.0.0.1 and the address that it is bound to; if that is the wildcard
 * address, for all addresses of this machine.
 */
export function rapiIdentity(
  layout: Layout,
  authorities: Authorities,
  bind: string,
  now = Date.now(),
): Promise<Identity> {
  const any = bind === '0.0.0.0' || bind === '::';
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = any ? addresses.map(({ address }) => address.split('%')[0] as string) : [bind];
  const hosts = [...new Set(['localhost', '127.0.0.1', ...own])].filter(
    (host) => !any || isIP(host) || host === 'localhost',
  );
  const subject = { commonName: 'Merapi RAPI', hosts, role: API };
  return identityIn(layout.certificates, 'rapi', subject, authorities, now);
}

/** Writes the certificate, key and authorities of a node of this machine into its folder; what is usable there is kept. */
export async function equipNode(layout: Layout, name: string, authorities: Authorities): Promise<void> {
  const folder = layout.nodeFolder(name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const trusted = join(folder, `${AUTHORITY}.pem`);
  if ((await readFileOrNull(trusted)) !== authorities.bundle)
    await writeFileDurably(trusted, authorities.bundle);
  await identityIn(folder, NODE_IDENTITY, nodeSubject(name), authorities);
}

/**
 * The new certificate and authorities for a node, given its present ones; null when these are up to date. The node keeps its key, which
 * never leaves it.
 */
export async function renewedNode(
  name: string,
  present: NodeCertificate,
  authorities: Authorities,
  now = Date.now(),
): Promise<NodeCertificate | null> {
  const subject = nodeSubject(name);
  const { bundle, signer, chain } = authorities;
  const isCurrent = isUsable(present.certificate, subject, authorities, now);
  if (isCurrent && present.authorities === bundle) return null;
  const [own] = certificatesIn(present.certificate);
  if (!own) return null;
  const publicKey = own.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const certificate = isCurrent ? present.certificate : issueFor(publicKey, subject, signer, now) + chain;
  return { certificate, authorities: bundle };
}

/** Reads the identity and authorities of a node's worker from its folder. @throws Error when a file is missing */
export async function nodeTls(folder: string): Promise<TlsFiles> {
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  return {
    ca: await read(`${AUTHORITY}.pem`),
    cert: await read(`${NODE_IDENTITY}.pem`),
    key: await read(`${NODE_IDENTITY}.key`),
  };
}

/** Writes the identity and authorities of a node's worker. The authorities come first: they only grow, so that is safe at any time. */
export async function saveNodeTls(folder: string, { ca, cert, key }: TlsFiles): Promise<void> {
  const keyFile = join(folder, `${NODE_IDENTITY}.key`);
  await writeFileDurably(join(folder, `${AUTHORITY}.pem`), ca);
  if ((await readFileOrNull(keyFile)) !== key) await writeFileDurably(keyFile, key, 0o600);
  await writeFileDurably(join(folder, `${NODE_IDENTITY}.pem`), cert);
}
