import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { readFileOrNull, writeFileDurably } from './files.ts';
import { certificatesIn, isIssuer, rolesOf } from './roles.ts';
import { type Identity, issue, issueFor, LIFE, publicKeyOf, type Subject } from './tls.ts';

/** Who signs certificates. */
export interface Issuer {
  /** The authority that signs now. */
  signer: Identity;
  /** What stands behind each certificate that it signs, so that those believe it who know only older authorities. */
  chain: string;
  /** All authorities of the cluster; what one of them has signed need not be signed again. */
  trusted: readonly X509Certificate[];
}

/**
 * The identity kept in `folder` as NAME.pem and NAME.key (mode 0600). The certificate is renewed, for the same key, when it is
 * not usable; the key when it is missing or none.
 */
export async function identityIn(
  folder: string,
  name: string,
  subject: Subject,
  issuer: Issuer,
  now = Date.now(),
): Promise<Identity> {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const [cert, key] = [await readFileOrNull(certFile), await readFileOrNull(keyFile)];
  if (cert && key && belongs(cert, key) && isUsable(cert, subject, issuer, now)) return { cert, key };
  const identity =
    key !== null && isKey(key)
      ? { cert: issueFor(publicKeyOf(key), subject, issuer.signer, now), key }
      : await issue(subject, issuer.signer, now);
  identity.cert += issuer.chain;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (identity.key !== key) await writeFileDurably(keyFile, identity.key, 0o600);
  await writeFileDurably(certFile, identity.cert);
  return identity;
}

/**
 * Whether a certificate may be shown for a while to come: it is valid already and for a third of a year yet, names the subject's
 * role and hosts, and one of the authorities has signed it.
 */
export function isUsable(cert: string, subject: Subject, { trusted }: Issuer, now = Date.now()): boolean {
  const certificate = firstIn(cert);
  if (!certificate || !trusted.some((authority) => isIssuer(authority, certificate))) return false;
  return (
    Date.parse(certificate.validFrom) <= now &&
    Date.parse(certificate.validTo) > now + LIFE / 3 &&
    rolesOf(certificate).join() === (subject.role ?? '') &&
    subject.hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)))
  );
}

function firstIn(pem: string): X509Certificate | undefined {
  try {
    return certificatesIn(pem)[0];
  } catch {
    return undefined;
  }
}

/** Whether a certificate is for a key. */
export function belongs(cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function isKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
