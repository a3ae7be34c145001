// Certificates of programs with their keys on disk: reuses them while they are usable, and renews them in time.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { readFileOrNull, writeFileDurably } from './files.ts';
import { certificatesIn, isIssuer, rolesOf } from './roles.ts';
import { CERTIFICATE_LIFETIME, type Identity, issue, issueFor, publicKeyOf, type Subject } from './tls.ts';

/** The certificate authorities of a cluster. */
export interface Issuer {
  /** The authority that signs new certificates. */
  signer: Identity;
  /** PEM text that is appended to each new certificate, so that peers which trust only older authorities accept it. */
  chain: string;
  /** All authorities of the cluster; a certificate that any of them signed need not be renewed. */
  trusted: readonly X509Certificate[];
}

/**
 * The identity stored in `folder` as NAME.pem and NAME.key (mode 0600), which are made when they are missing. A certificate that is
 * not usable is renewed for the same key; a key that cannot be read is replaced, with its certificate.
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
 * Whether a certificate can still be used: it is valid now and for at least another third of its lifetime, names the subject's role
 * and hosts, and is signed by one of the cluster's authorities.
 */
export function isUsable(cert: string, subject: Subject, { trusted }: Issuer, now = Date.now()): boolean {
  const certificate = firstIn(cert);
  if (!certificate || !trusted.some((authority) => isIssuer(authority, certificate))) return false;
  return (
    Date.parse(certificate.validFrom) <= now &&
    Date.parse(certificate.validTo) > now + CERTIFICATE_LIFETIME / 3 &&
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

/** Whether a certificate was issued for a private key (both PEM); false when one of them cannot be read. */
export function belongs(cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Whether a text is a private key (PEM) as tls.ts makes them. */
export function isKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
