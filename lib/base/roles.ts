import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import forge from 'node-forge';
import { MerapiError } from './errors.ts';

/**
 * What the holder of a certificate is in the cluster: a URI among the certificate's alternative names. No host name, and so no
 * name of a node, can look like one.
 */
export type Role = `merapi:${string}`;

export const MASTER: Role = 'merapi:role:master';
/** The server of the API: it shows its certificate to clients, and is nobody towards nodes. */
export const API: Role = 'merapi:role:api';
const NODE = 'merapi:node:';
export const nodeRole = (name: string): Role => `${NODE}${name}`;
export const isNodeRole = (role: Role): boolean => role.startsWith(NODE);

const SERVER = '1.3.6.1.5.5.7.3.1';
const CLIENT = '1.3.6.1.5.5.7.3.2';
/** The kind of an alternative name that is a URI. */
export const URI = 6;

/** At which ends of connections the holder of a role may show its certificate; nodes read from each other. */
export function purposeOf(role: Role | undefined): { serverAuth: boolean; clientAuth: boolean } {
  return { serverAuth: role !== MASTER, clientAuth: role !== API };
}

/** The other end of a connection. */
export interface Peer {
  certificate: X509Certificate;
  /** Null when the certificate names none, as those of release 0.1.0. */
  role: Role | null;
  /** Whether it may be shown at that end of a connection. */
  fits: boolean;
}

/** How many certificates may lead from the one that is shown to one that is trusted. */
const LONGEST_CHAIN = 16;

/**
 * Who is at the other end of a connection: what is signed by one of the trusted authorities, or by one that they vouch for. What
 * time it is plays no part: when a certificate is renewed is a matter of time, whether it is the cluster's is not, so that a
 * clock that jumps cannot separate a cluster. `end` is what the other one is. @throws MerapiError forbidden when it is nobody of the cluster
 */
export function peerOf(
  socket: TLSSocket,
  trusted: readonly X509Certificate[],
  end: 'server' | 'client',
): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) throw new MerapiError('forbidden', 'it shows no certificate');
  if (!isSignedBy(certificate, trusted))
    throw new MerapiError('forbidden', "its certificate is not of the cluster's authority");
  const roles = rolesOf(certificate);
  if (roles.length > 1) throw new MerapiError('forbidden', 'its certificate names several roles');
  const fits = certificate.keyUsage?.includes(end === 'server' ? SERVER : CLIENT) ?? false;
  return { certificate, role: roles[0] ?? null, fits };
}

/** Whether a chain of signatures leads from a certificate to a trusted one. */
function isSignedBy(certificate: X509Certificate, trusted: readonly X509Certificate[]): boolean {
  let last = certificate;
  for (let length = 1; length <= LONGEST_CHAIN; length++) {
    if (trusted.some((authority) => isIssuer(authority, last))) return true;
    const above: X509Certificate | undefined = last.issuerCertificate;
    if (!above || !isIssuer(above, last)) return false;
    last = above;
  }
  return false;
}

/** Whether a certificate is an authority that has signed another one. */
export function isIssuer(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** The roles that a certificate names: one, or none if it is not of a cluster or of release 0.1.0. */
export function rolesOf(certificate: X509Certificate): Role[] {
  // Read from its structure: in a text form of it a name could look like several.
  const extension = forge.pki.certificateFromPem(certificate.toString()).getExtension('subjectAltName');
  const names = (extension as { altNames?: { type: number; value: string }[] } | undefined)?.altNames ?? [];
  return names.flatMap(({ type, value }) =>
    type === URI && value.startsWith('merapi:') ? [value as Role] : [],
  );
}

/** The certificates in a PEM text, in their order. @throws Error when one cannot be read */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
