import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { purposeOf, type Role, URI } from './roles.ts';

/** A certificate with its private key, both as PEM texts; the certificates that lead to older authorities follow it. */
export interface Identity {
  cert: string;
  key: string;
}

/** What both ends of a mutual TLS connection need: who they are and whom they trust. */
export interface TlsFiles extends Identity {
  ca: string;
}

/** Gives what is shown and trusted now: certificates are renewed while programs run. */
export type TlsSource = () => TlsFiles;

/** Who a certificate is for. */
export interface Subject {
  commonName: string;
  /** Host names and addresses that a client may reach it by. */
  hosts: readonly string[];
  /** What its holder is in the cluster; without one it is nobody there. */
  role?: Role;
}

export const DAY = 24 * 3600_000;
/** For how long authorities sign, and what they sign is valid, in milliseconds. */
const AUTHORITY_LIFE = 10 * 365 * DAY;
export const LIFE = 365 * DAY;
/** Authorities are valid from 1970 on, so that a clock that went back does not end them. */
const ALWAYS = 0;
/** The longest common name of a certificate (X.520). */
const NAME_LIMIT = 64;

/** What a certificate may be used for, as node-forge names it. */
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
async function makeKey(): Promise<string> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The public key that belongs to a private one, as PEM. */
export function publicKeyOf(key: string): string {
  return createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString();
}

/** Makes an authority that vouches for itself, for ten years from now. */
export async function issueAuthority(commonName: string, now = Date.now()): Promise<Identity> {
  const key = await makeKey();
  const validity: Validity = [ALWAYS, now + AUTHORITY_LIFE];
  return { cert: certify(commonName, publicKeyOf(key), { cert: null, key }, validity, authorityUse), key };
}

/** The certificate by which one authority vouches for another, as long as that is valid itself. */
export function vouchFor(authority: Identity, issuer: Identity): string {
  const { subject, validity } = forge.pki.certificateFromPem(authority.cert);
  const name = String(subject.getField('CN').value);
  const times: Validity = [validity.notBefore.getTime(), validity.notAfter.getTime()];
  return certify(name, publicKeyOf(authority.key), issuer, times, authorityUse);
}

/** Makes a key and a certificate for it, signed by `issuer`. Valid for a year, but not longer than its issuer, from yesterday on. */
export async function issue(subject: Subject, issuer: Identity, now = Date.now()): Promise<Identity> {
  const key = await makeKey();
  return { cert: issueFor(publicKeyOf(key), subject, issuer, now), key };
}

/** As issue(), for a public key that somebody else has the private one of. */
export function issueFor(publicKey: string, subject: Subject, issuer: Identity, now = Date.now()): string {
  const end = forge.pki.certificateFromPem(issuer.cert).validity.notAfter.getTime();
  const validity: Validity = [now - DAY, Math.max(Math.min(now + LIFE, end), now)];
  return certify(subject.commonName, publicKey, issuer, validity, endUse(subject));
}

/** Makes an identity that vouches for itself and for nothing else, for some seconds from now. */
export async function issueAlone(commonName: string, seconds: number): Promise<Identity> {
  const key = await makeKey();
  const validity: Validity = [Date.now() - DAY, Date.now() + seconds * 1000]; // clocks differ
  const use = endUse({ commonName, hosts: [commonName] });
  return { cert: certify(commonName, publicKeyOf(key), { cert: null, key }, validity, use), key };
}

type Validity = readonly [from: number, to: number];

/** Signs a certificate (node-forge). An issuer without a certificate is the subject itself. */
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

/** Lets node:crypto sign what node-forge has put together, for that is many times faster. */
function signerWith(key: string, certificate: forge.pki.Certificate): forge.pki.rsa.PrivateKey {
  const signed = () => Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'latin1');
  return {
    sign: () => sign('sha256', signed(), key).toString('latin1'),
  } as unknown as forge.pki.rsa.PrivateKey;
}
