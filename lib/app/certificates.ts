import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Identity, identityIn, type TlsFiles } from '../base/tls.ts';
import { AUTHORITY, type Layout, NODE_IDENTITY } from './layout.ts';

/** The cluster's own certificate authority, made when it is missing. */
export function authority(layout: Layout): Promise<Identity> {
  return identityIn(
    layout.certificates,
    AUTHORITY,
    { commonName: 'Merapi cluster authority', hosts: [] },
    null,
  );
}

/** What the master shows to node workers. */
export async function masterTls(layout: Layout, issuer: Identity): Promise<TlsFiles> {
  const identity = await identityIn(
    layout.certificates,
    'master',
    { commonName: 'master', hosts: ['master'] },
    issuer,
  );
  return { ...identity, ca: issuer.cert };
}

/** What the RAPI shows to clients: good for localhost, 127.0.0.1 and the address that it is bound to. */
export function rapiIdentity(layout: Layout, issuer: Identity, bind: string): Promise<Identity> {
  const any = bind === '0.0.0.0' || bind === '::';
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = any ? addresses.map(({ address }) => address.split('%')[0] as string) : [bind];
  const hosts = [...new Set(['localhost', '127.0.0.1', ...own])].filter(
    (host) => !any || isIP(host) || host === 'localhost',
  );
  return identityIn(layout.certificates, 'rapi', { commonName: 'Merapi RAPI', hosts }, issuer);
}

/** Where clients find the authority that signed the RAPI's certificate. */
export function authorityFile(layout: Layout): string {
  return join(layout.certificates, `${AUTHORITY}.pem`);
}

/** Gives a node what it needs to prove itself, in its own folder. */
export async function equipNode(layout: Layout, name: string, issuer: Identity): Promise<void> {
  const folder = layout.nodeFolder(name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await identityIn(folder, NODE_IDENTITY, { commonName: name, hosts: [name] }, issuer);
  await copyFile(authorityFile(layout), join(folder, `${AUTHORITY}.pem`));
}

/** What a node's worker shows to the master, from its folder. */
export async function nodeTls(folder: string): Promise<TlsFiles> {
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  return {
    ca: await read(`${AUTHORITY}.pem`),
    cert: await read(`${NODE_IDENTITY}.pem`),
    key: await read(`${NODE_IDENTITY}.key`),
  };
}
