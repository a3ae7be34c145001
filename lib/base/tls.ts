// Creates keys and certificates: authorities, and certificates that they sign. node-forge assembles them, node:crypto signs.

import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { purposeOf, type Role, URI } from './roles.ts';

/** A certificate with its private key, both as PEM. `cert` may be a chain: certificates that lead to older authorities follow. */
export interface Identity {
  cert: string;
  key: string;
}

/** What one end of a mutual TLS connection needs: its identity, and as `ca` the authorities that it trusts (PEM). */
export interface TlsFiles extends Identity {
  ca: string;
}

/** Returns the present certificates. Call it for each new connection: certificates are renewed while programs run. */
export type TlsSource = () => TlsFiles;

/** The holder of a certificate. */
export interface Subject {
  commonName: string;
  /** Host names and addresses that a client may reach it by. */
  hosts: readonly string[];
  /** Its role in the cluster; without one, the cluster's programs refuse the certificate. */
  role?: Role;
}

/** In milliseconds. */
export const DAY = 24 * 3600_000;
/** The lifetime of an authority, in milliseconds. */
const AUTHORITY_LIFETIME = 10 * 365 * DAY;
/** The lifetime of a certificate that an authority signs, in milliseconds. */
export const CERTIFICATE_LIFETIME = 365 * DAY;
/** Authorities are valid from 1970 on, so that they stay valid when a clock is set back. */
const EPOCH = 0;
/** The longest common name of a certificate (X.520). */
const NAME_LIMIT = 64;

/** Extensions of a certificate in node-forge's notation. */
type Extensions = Parameters<forge.pki.Certificate['setExtensions']>[0];

const authorityUse: Extensions = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  { name: 'subjectKeyIdentifier' },
];

function endUse({ hosts, role }: Subject): Extensions {
  const altNames = [
    ...hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
    ...(role === undefined ? [] : [{ type: URI, value: role }]),
  ];
  return [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', ...purposeOf(role) },
    { name: 'subjectAltName', altNames },
  ];
}

/** A new private key (RSA 2048) as PEM. */
export async function makeKey(): Promise<string> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The public key of a private key, both PEM. */
export function publicKeyOf(key: string): string {
  return createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString();
}

/** Creates a self-signed authority that is valid for ten years; its key is a new one or the given one. */
export async function issueAuthority(
  commonName: string,
  now = Date.now(),
  given: string | null = null,
): Promise<Identity> {
  const key = given ?? (await makeKey());
  const validity: Validity = [EPOCH, now + AUTHORITY_LIFETIME];
  return { cert: certify(commonName, publicKeyOf(key), { cert: null, key }, validity, authorityUse), key };
}

/** A cross-certificate: the key of `authority` signed by `issuer`, so that whoever trusts `issuer` trusts `authority` too. PEM. */
export function crossSign(authority: Identity, issuer: Identity): string {
  const { subject, validity } = forge.pki.certificateFromPem(authority.cert);
  const name = String(subject.getField('CN').value);
  const times: Validity = [validity.notBefore.getTime(), validity.notAfter.getTime()];
  return certify(name, publicKeyOf(authority.key), issuer, times, authorityUse);
}

/**
 * Creates a key and a certificate for it, signed by `issuer`. It is valid from yesterday, as clocks differ, for a year from now, but not
 * longer than its issuer.
 */
export async function issue(subject: Subject, issuer: Identity, now = Date.now()): Promise<Identity> {
  const key = await makeKey();
  return { cert: issueFor(publicKeyOf(key), subject, issuer, now), key };
}

/** Like issue(), for a public key (PEM) whose private key stays with its holder. Returns the certificate as PEM. */
export function issueFor(publicKey: string, subject: Subject, issuer: Identity, now = Date.now()): string {
  const end = forge.pki.certificateFromPem(issuer.cert).validity.notAfter.getTime();
  const validity: Validity = [now - DAY, Math.max(Math.min(now + CERTIFICATE_LIFETIME, end), now)];
  return certify(subject.commonName, publicKey, issuer, validity, endUse(subject));
}

/** Creates a self-signed identity that cannot sign others and is valid for some seconds from now. */
export async function issueAlone(commonName: string, seconds: number): Promise<Identity> {
  const key = await makeKey();
  const validity: Validity = [Date.now() - DAY, Date.now() + seconds * 1000]; // clocks differ
  const use = endUse({ commonName, hosts: [commonName] });
  return { cert: certify(commonName, publicKeyOf(key), { cert: null, key }, validity, use), key };
}

type Validity = readonly [from: number, to: number];

/** Assembles and signs a certificate. When the issuer has no certificate, the result is self-signed. */
function certify(
  commonName: string,
  publicKey: string,
  issuer: { cert: string | null; key: string },
  [from, to]: Validity,
  extensions: Extensions,
): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(from);
  certificate.validity.notAfter = new Date(to);
  const value = commonName.length > NAME_LIMIT ? `${commonName.slice(0, NAME_LIMIT - 3)}...` : commonName;
  const name = [{ name: 'commonName', value }];
  certificate.setSubject(name);
  certificate.setIssuer(issuer.cert ? forge.pki.certificateFromPem(issuer.cert).subject.attributes : name);
  certificate.setExtensions(extensions);
  certificate.sign(signerWith(issuer.key, certificate), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll('\r', '');
}

/** A signer for node-forge that signs with node:crypto, which is many times faster. */
function signerWith(key: string, certificate: forge.pki.Certificate): forge.pki.rsa.PrivateKey {
  const signed = () => Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'latin1');
  return {
    sign: () => sign('sha256', signed(), key).toString('latin1'),
  } as unknown as forge.pki.rsa.PrivateKey;
}
