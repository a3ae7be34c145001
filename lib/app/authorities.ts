import type { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { exists, readFileOrNull, writeFileDurably } from '../base/files.ts';
import { belongs, type Issuer, isKey } from '../base/identity.ts';
import { certificatesIn } from '../base/roles.ts';
import { crossSign, DAY, type Identity, issueAuthority } from '../base/tls.ts';
import { AUTHORITY, type Layout } from './layout.ts';

/*
 * The certificate authorities of a cluster, by their remaining time of validity:
 *
 * | remaining     | what happens                                                                                      |
 * | ------------- | ------------------------------------------------------------------------------------------------- |
 * | over 2 years  | it signs                                                                                          |
 * | 1 to 2 years  | it signs; its successor is created, and all programs get both to trust                            |
 * | under a year  | the successor signs; its certificate is cross-signed by the older one, for peers that know only it |
 * | none          | as before: certificates that it signed are still accepted inside the cluster                       |
 *
 * No authority is ever removed or replaced. The files of the first one are ca.pem and ca.key, of further ones ca-2, ca-3, …; ca.pem
 * also contains the certificates of all others.
 */
const SUCCESSOR = 2 * 365 * DAY;
const HANDOVER = 365 * DAY;

/** All authorities of a cluster, and the one that signs now. */
export interface Authorities extends Issuer {
  /** The certificates of all authorities, as PEM. */
  bundle: string;
}

interface Authority extends Identity {
  number: number;
  /** The cross-certificates that lead from it to the authorities before it, as PEM. */
  chain: string;
  certificate: X509Certificate;
}

/**
 * Reads the cluster's authorities; creates the first one when there is no cluster yet, and a successor in time.
 * @throws MerapiError configuration naming the file that is missing or wrong: a lost authority is never replaced by a new one, which no
 * node would trust
 */
export async function openAuthorities(layout: Layout, now = Date.now()): Promise<Authorities> {
  const all = await readAll(layout);
  if (all.length === 0) {
    if (await exists(layout.database)) throw unusable(layout, fileOf(1, 'pem'), 'is missing');
    all.push(await createAuthority(layout, 1, null, now));
  } else if (!all.some((authority) => isValidFor(authority, SUCCESSOR, now)))
    all.push(await createAuthority(layout, (all.at(-1)?.number ?? 1) + 1, signerOf(all, now), now));
  const own = all.map(({ certificate }) => certificate.toString());
  await addToBundle(layout, own);
  const { cert, key, chain } = signerOf(all, now);
  const trusted = all.map(({ certificate }) => certificate);
  return { signer: { cert, key }, chain, trusted, bundle: own.join('') };
}

/** The oldest authority that is valid for long enough, else the one that is valid for longest. */
function signerOf(all: readonly Authority[], now: number): Authority {
  const oldest = all.find((authority) => isValidFor(authority, HANDOVER, now));
  const [last] = [...all].sort((one, other) => endOf(other) - endOf(one));
  return (oldest ?? last) as Authority;
}

const endOf = ({ certificate }: Authority) => Date.parse(certificate.validTo);

/** Whether an authority is valid now and for longer than another `time` milliseconds. */
function isValidFor(authority: Authority, time: number, now: number): boolean {
  return Date.parse(authority.certificate.validFrom) <= now && endOf(authority) > now + time;
}

const stem = (number: number) => (number === 1 ? AUTHORITY : `${AUTHORITY}-${number}`);
const fileOf = (number: number, ending: 'pem' | 'key') => `${stem(number)}.${ending}`;

/** The names of the authorities' files in a folder of certificates, sorted. */
export async function authorityFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names.filter(isAuthorityFile).sort();
}

/** Whether this is the name of a certificate or key of an authority: ca.pem, ca.key, ca-2.pem, … */
export function isAuthorityFile(name: string): boolean {
  return new RegExp(`^${AUTHORITY}(-[1-9][0-9]{0,8})?\\.(pem|key)$`).test(name);
}

/** The authorities that have a certificate file, by number. A key without one is left from a creation that was interrupted. */
async function readAll(layout: Layout): Promise<Authority[]> {
  const names = (await authorityFiles(layout.certificates)).filter((name) => name.endsWith('.pem'));
  const numbers = names.map((name) => Number(/-(\d+)/.exec(name)?.[1] ?? 1)).sort((a, b) => a - b);
  return Promise.all(numbers.map((number) => read(layout, number)));
}

async function read(layout: Layout, number: number): Promise<Authority> {
  const [pem, key] = await Promise.all(
    (['pem', 'key'] as const).map((ending) =>
      readFileOrNull(join(layout.certificates, fileOf(number, ending))),
    ),
  );
  if (!key) throw unusable(layout, fileOf(number, 'key'), 'is missing');
  let certificates: X509Certificate[];
  try {
    certificates = certificatesIn(pem ?? '');
  } catch {
    throw unusable(layout, fileOf(number, 'pem'), 'cannot be read');
  }
  const [certificate, ...others] = certificates;
  if (!certificate) throw unusable(layout, fileOf(number, 'pem'), 'contains no certificate');
  const cert = certificate.toString();
  if (!belongs(cert, key))
    throw unusable(layout, fileOf(number, 'key'), 'is not the key of the certificate beside it');
  // The further certificates in ca.pem are those of the other authorities, not a chain.
  return { number, cert, key, certificate, chain: number === 1 ? '' : others.join('') };
}

function unusable({ certificates }: Layout, file: string, what: string): MerapiError {
  return new MerapiError(
    'configuration',
    `${join(certificates, file)}, a part of the cluster's authority, ${what}; restore it from a backup: no node would trust a new one`,
  );
}

/**
 * Creates an authority, cross-signed by its predecessor. The key is written first: a key without a certificate is that of a creation
 * that was interrupted, and is used; a certificate without a key is an error.
 */
async function createAuthority(
  layout: Layout,
  number: number,
  predecessor: Authority | null,
  now: number,
): Promise<Authority> {
  const name = `Merapi cluster authority${number === 1 ? '' : ` ${number}`}`;
  const keyFile = join(layout.certificates, fileOf(number, 'key'));
  const left = await readFileOrNull(keyFile);
  const { cert, key } = await issueAuthority(name, now, left !== null && isKey(left) ? left : null);
  const chain = predecessor === null ? '' : crossSign({ cert, key }, predecessor) + predecessor.chain;
  if (key !== left) await writeFileDurably(keyFile, key, 0o600);
  await writeFileDurably(join(layout.certificates, fileOf(number, 'pem')), cert + chain);
  return { number, cert, key, chain, certificate: certificatesIn(cert)[0] as X509Certificate };
}

/** Appends missing certificates of authorities to ca.pem, which clients of the API trust. Its other content is preserved. */
async function addToBundle(layout: Layout, own: readonly string[]): Promise<void> {
  const file = join(layout.certificates, fileOf(1, 'pem'));
  const text = (await readFileOrNull(file)) ?? '';
  const present = certificatesIn(text).map(String);
  const missing = own.filter((cert) => !present.includes(cert));
  if (missing.length > 0) await writeFileDurably(file, `${text.trimEnd()}\n${missing.join('')}`);
}
