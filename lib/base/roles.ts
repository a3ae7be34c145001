// Roles in certificates: how the ends of a TLS connection inside the cluster recognise each other.

import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import forge from 'node-forge';
import { MerapiError } from './errors.ts';

/**
 * What the holder of a certificate is in the cluster: a URI in the certificate's subjectAltName. It cannot be confused with a host
 * name, because these have no colon.
 */
export type Role = `merapi:${string}`;

export const MASTER: Role = 'merapi:role:master';
/** The API server: its certificate is for clients of the API, and nodes grant it nothing. */
export const API: Role = 'merapi:role:api';
const NODE = 'merapi:node:';
export const nodeRole = (name: string): Role => `${NODE}${name}`;
export const isNodeRole = (role: Role): boolean => role.startsWith(NODE);

/** The extended key usages for the server's and the client's end of a TLS connection (RFC 5280). */
const SERVER = '1.3.6.1.5.5.7.3.1';
const CLIENT = '1.3.6.1.5.5.7.3.2';
/** The type of a URI among the alternative names of a certificate (GeneralName, RFC 5280). */
export const URI = 6;

/** At which ends of connections a role's certificate may be used. Nodes may use theirs at both: they read from each other. */
export function purposeOf(role: Role | undefined): { serverAuth: boolean; clientAuth: boolean } {
  return { serverAuth: role !== MASTER, clientAuth: role !== API };
}

/** The other end of a connection. */
export interface Peer {
  certificate: X509Certificate;
  /** Null when the certificate has none, as those of release 0.1.0. */
  role: Role | null;
  /** Whether its extended key usage permits this end of a connection. */
  fits: boolean;
}

/** The longest chain from a peer's certificate to a trusted authority. */
const LONGEST_CHAIN = 16;

/**
 * Identifies the peer of a connection; `end` is the peer's end. Its certificate must be signed by one of the trusted authorities or
 * by one that they signed. Validity times are not checked, on purpose: they only decide when a certificate is renewed, so that a clock
 * that jumps cannot cut a cluster into parts.
 * @throws MerapiError forbidden when the peer does not belong to the cluster
 */
export function peerOf(
  socket: TLSSocket,
  trusted: readonly X509Certificate[],
  end: 'server' | 'client',
): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) throw new MerapiError('forbidden', 'it presents no certificate');
  if (!isSignedBy(certificate, trusted))
    throw new MerapiError('forbidden', "its certificate is not signed by the cluster's authority");
  const roles = rolesOf(certificate);
  if (roles.length > 1) throw new MerapiError('forbidden', 'its certificate names several roles');
  const fits = certificate.keyUsage?.includes(end === 'server' ? SERVER : CLIENT) ?? false;
  return { certificate, role: roles[0] ?? null, fits };
}

/** Whether a chain of signatures leads from a certificate to a trusted one. */
function isSignedBy(certificate: X509Certificate, trusted: readonly X509Certificate[]): boolean {
  let current = certificate;
  for (let length = 1; length <= LONGEST_CHAIN; length++) {
    if (trusted.some((authority) => isIssuer(authority, current))) return true;
    const issuer: X509Certificate | undefined = current.issuerCertificate;
    if (!issuer || !isIssuer(issuer, current)) return false;
    current = issuer;
  }
  return false;
}

/** Whether a certificate is an authority that has signed another one. */
export function isIssuer(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** The roles in a certificate: usually one; none in certificates of release 0.1.0 and in those from outside. */
export function rolesOf(certificate: X509Certificate): Role[] {
  // Parsed from the DER structure: in the text form that node:crypto returns, one crafted name could look like several.
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
