import { createPrivateKey, generateKeyPair, randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { readFileOrNull, writeFileDurably } from './files.ts';

/** A certificate with its private key, both as PEM texts. */
export interface Identity {
  cert: string;
  key: string;
}

/** What both ends of a mutual TLS connection need: who they are and whom they trust. */
export interface TlsFiles extends Identity {
  ca: string;
}

/** Who a certificate is for. */
export interface Subject {
  commonName: string;
  /** Host names and addresses that a client may reach it by. */
  hosts: readonly string[];
}

const DAY = 24 * 3600_000;
const YEARS = 10;

/** What a certificate may be used for, as node-forge names it. */
type Extensions = Parameters<forge.pki.Certificate['setExtensions']>[0];

const authorityUse: Extensions = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  { name: 'subjectKeyIdentifier' },
];

function endUse(hosts: readonly string[]): Extensions {
  const altNames = hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }));
  return [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    { name: 'subjectAltName', altNames },
  ];
}

/**
 * Makes a key (node:crypto, RSA 2048) and a certificate for it (node-forge), signed by `issuer`, or by itself when there is
 * none: then it is an authority. Valid for ten years from one day ago.
 */
export function issue(subject: Subject, issuer: Identity | null): Promise<Identity> {
  const from = Date.now() - DAY;
  const to = Date.now() + YEARS * 365 * DAY;
  return certify(subject.commonName, issuer, [from, to], issuer ? endUse(subject.hosts) : authorityUse);
}

/** Makes an identity that vouches for itself and for nothing else, for some seconds from now. */
export function issueAlone(commonName: string, seconds: number): Promise<Identity> {
  const from = Date.now() - DAY; // clocks differ
  return certify(commonName, null, [from, Date.now() + seconds * 1000], endUse([commonName]));
}

async function certify(
  commonName: string,
  issuer: Identity | null,
  [from, to]: readonly [number, number],
  extensions: Extensions,
): Promise<Identity> {
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(from);
  certificate.validity.notAfter = new Date(to);
  const name = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(name);
  certificate.setIssuer(issuer ? forge.pki.certificateFromPem(issuer.cert).subject.attributes : name);
  certificate.setExtensions(extensions);
  const signer = forge.pki.privateKeyFromPem(issuer ? issuer.key : pair.privateKey);
  certificate.sign(signer, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: pair.privateKey };
}

/**
 * The identity kept in `folder` as NAME.pem and NAME.key (mode 0600), made when it is missing, about to expire (30 days),
 * not signed by the issuer, not valid for one of the subject's hosts, or when the two files do not belong together.
 */
export async function identityIn(
  folder: string,
  name: string,
  subject: Subject,
  issuer: Identity | null,
): Promise<Identity> {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const [cert, key] = [await readFileOrNull(certFile), await readFileOrNull(keyFile)];
  if (cert && key && isUsable({ cert, key }, subject, issuer)) return { cert, key };
  const identity = await issue(subject, issuer);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileDurably(keyFile, identity.key, 0o600);
  await writeFileDurably(certFile, identity.cert);
  await chmod(keyFile, 0o600);
  return identity;
}

function isUsable({ cert, key }: Identity, subject: Subject, issuer: Identity | null): boolean {
  const certificate = new X509Certificate(cert);
  const issuerKey = new X509Certificate(issuer?.cert ?? cert).publicKey;
  return (
    Date.parse(certificate.validTo) > Date.now() + 30 * 24 * 3600_000 &&
    certificate.verify(issuerKey) &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    subject.hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)))
  );
}
