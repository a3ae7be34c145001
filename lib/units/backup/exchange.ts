// The signed messages by which two clusters exchange an instance (export and import in remote mode), in Ganeti's forms. Both clusters have
// the same secret (cluster-domain-secret); every message carries a salt and an HMAC of salt and text with that secret. What comes from
// the other cluster must pass one of the check functions before it is used.

import { timingSafeEqual, X509Certificate } from 'node:crypto';
import { MerapiError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Seal } from '../../base/seal.ts';
import type { CheckContext } from '../define.ts';

/** The version and the text of Ganeti's handshake, by which a cluster proves that it has the shared secret. */
const VERSION = 0;
const GREETING = "Hi, I'm Ganeti";
const HEADER = 'X-Ganeti-Signature';

/** How long the certificates of an exchange are valid, in seconds. */
export const CERTIFICATE_TIME = 24 * 3600;

/** A new salt: eight random bytes in hexadecimal. */
export const makeSalt = (random: Random) => random.bytes(8).toString('hex');

/** The handshake that proves to another cluster that this one has the shared secret: version, signature, salt. */
export function handshake(seal: Seal, salt: string): [number, string, string] {
  return [VERSION, ...signatureOf(seal, GREETING, salt)];
}

/** A name with its signature and salt. */
export function signedName(seal: Seal, name: string, salt: string): [string, string, string] {
  return [name, ...signatureOf(seal, name, salt)];
}

/** A certificate (PEM) after a header line with its signature. */
export function signedCertificate(seal: Seal, pem: string, salt: string): string {
  const text = plainPem(pem);
  return `${HEADER}: ${salt}/${signatureOf(seal, text, salt)[0]}\n\n${text}`;
}

/** Where another cluster sends the data of a disk. */
export interface DiskPlace {
  host: string;
  port: number;
  /** Identifies the disk to the importing cluster and authorises the transfer. */
  secret: string;
}

/** The place for the disk with this index, with its signature and salt. */
export function signedPlace(
  seal: Seal,
  index: number,
  place: DiskPlace,
  salt: string,
): [string, number, string, string, string] {
  const { host, port, secret } = place;
  return [host, port, secret, ...signatureOf(seal, placeText(index, place), salt)];
}

/** @throws MerapiError wrong_input when the handshake is malformed, of another version, or made with another secret */
export function checkHandshake(seal: Seal, given: readonly unknown[]): void {
  const [version, digest, salt] = given;
  if (given.length !== 3 || typeof digest !== 'string' || typeof salt !== 'string')
    throw new MerapiError('wrong_input', 'source_handshake must be [version, signature, salt]');
  if (version !== VERSION)
    throw new MerapiError(
      'wrong_input',
      `The other cluster speaks version ${String(version)} of this handshake; this one speaks ${VERSION}`,
    );
  checkSignature(seal, GREETING, digest, salt, 'source_handshake');
}

/** The name in a signed name; `what` is the parameter for messages, here and below. @throws MerapiError wrong_input */
export function checkedName(seal: Seal, given: readonly unknown[], what: string): string {
  const [name, digest, salt] = given;
  if (given.length !== 3 || ![name, digest, salt].every((each) => typeof each === 'string'))
    throw new MerapiError('wrong_input', `${what} must be [name, signature, salt]`);
  checkSignature(seal, String(name), String(digest), String(salt), what);
  return String(name);
}

/** The certificate in a signed certificate, as PEM. @throws MerapiError wrong_input, also when it has expired */
export function checkedCertificate(
  { seal, clock }: Pick<CheckContext, 'seal' | 'clock'>,
  given: string,
  what: string,
): string {
  const [, salt, digest] = new RegExp(`^${HEADER}:\\s*([0-9a-f]+)/([0-9a-f]+)\\s*$`, 'im').exec(given) ?? [];
  const start = given.indexOf('-----BEGIN CERTIFICATE-----');
  if (salt === undefined || digest === undefined || start < 0)
    throw new MerapiError('wrong_input', `${what} must be a certificate after a line '${HEADER}: …'`);
  const pem = plainPem(given.slice(start));
  checkSignature(seal, pem, digest, salt, what);
  const certificate = read(pem, what);
  if (Date.parse(certificate.validTo) < clock.seconds() * 1000)
    throw new MerapiError(
      'wrong_input',
      `The certificate in ${what} was valid until ${certificate.validTo}; start the export again`,
    );
  return pem;
}

/** The place in the signed place of the disk with this index. @throws MerapiError wrong_input */
export function checkedPlace(seal: Seal, index: number, given: unknown): DiskPlace {
  const [host, port, secret, digest, salt, ...more] = Array.isArray(given) ? given : [];
  const texts = [host, secret, digest, salt];
  if (more.length > 0 || !texts.every((each) => typeof each === 'string') || !Number.isInteger(port))
    throw new MerapiError(
      'wrong_input',
      `Disk ${index} in target_node must be [host, port, secret, signature, salt]`,
    );
  const place = { host, port, secret };
  checkSignature(seal, placeText(index, place), digest, salt, `disk ${index} in target_node`);
  return place;
}

const placeText = (index: number, { host, port, secret }: DiskPlace) => `${index}:${host}:${port}:${secret}`;

/** The signature of a text, and its salt. */
function signatureOf(seal: Seal, text: string, salt: string): [string, string] {
  return [seal.sign(salt + text), salt];
}

function checkSignature(seal: Seal, text: string, digest: string, salt: string, what: string): void {
  const [expected, given] = [Buffer.from(seal.sign(salt + text)), Buffer.from(digest)];
  if (expected.length === given.length && timingSafeEqual(expected, given)) return;
  throw new MerapiError(
    'wrong_input',
    `The signature of ${what} is wrong: it was changed, or the clusters have different secrets (cluster-domain-secret)`,
  );
}

function read(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new MerapiError('wrong_input', `${what} does not contain a valid certificate`, { cause });
  }
}

/** A PEM text in the form that is signed: no carriage returns, and exactly one newline at the end. */
function plainPem(pem: string): string {
  return `${pem.replaceAll('\r', '').trim()}\n`;
}
