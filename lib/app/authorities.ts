import type { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { exists, readFileOrNull, writeFileDurably } from '../base/files.ts';
import { belongs, type Issuer } from '../base/identity.ts';
import { certificatesIn } from '../base/roles.ts';
import { DAY, type Identity, issueAuthority, vouchFor } from '../base/tls.ts';
import { AUTHORITY, type Layout } from './layout.ts';

/*
 * The authorities of a cluster, by the time that is left to them:
 *
 * | left          | what happens                                                                                     |
 * | ------------- | ------------------------------------------------------------------------------------------------ |
 * | over 2 years  | it signs                                                                                         |
 * | 1 to 2 years  | it signs; its successor is there, and everybody learns to trust both                             |
 * | under a year  | the successor signs; the older one vouches for it, so that those believe it who know only that   |
 * | none          | as before: what it has signed is still the cluster's, so that nothing depends on the clock alone |
 *
 * No authority is ever removed or replaced. The first one is ca.pem and ca.key, the further ones ca-2, ca-3, …; ca.pem holds the
 * certificates of all.
 */
const SUCCESSOR = 2 * 365 * DAY;
const HANDOVER = 365 * DAY;

/** All authorities of a cluster. */
export interface Authorities extends Issuer {
  /** Their certificates, as PEM. */
  bundle: string;
}

interface Authority extends Identity {
  number: number;
  /** What leads from it to those before it, as PEM. */
  chain: string;
  certificate: X509Certificate;
}

/**
 * Reads the cluster's authorities; makes the first one where there is no cluster yet, and a successor in time.
 * @throws MerapiError configuration naming the file that is missing or wrong: nothing takes the place of an authority
 */
export async function openAuthorities(layout: Layout, now = Date.now()): Promise<Authorities> {
  const all = await readAll(layout);
  if (all.length === 0) {
    if (await exists(layout.database)) throw lost(layout, fileOf(1, 'pem'), 'is missing');
    all.push(await add(layout, 1, null, now));
  } else if (!all.some((authority) => isLeft(authority, SUCCESSOR, now)))
    all.push(await add(layout, (all.at(-1)?.number ?? 1) + 1, signerOf(all, now), now));
  const own = all.map(({ certificate }) => certificate.toString());
  await complete(layout, own);
  const { cert, key, chain } = signerOf(all, now);
  const trusted = all.map(({ certificate }) => certificate);
  return { signer: { cert, key }, chain, trusted, bundle: own.join('') };
}

/** The oldest that is valid for long enough, else the one that is valid longest. */
function signerOf(all: readonly Authority[], now: number): Authority {
  const fit = all.find((authority) => isLeft(authority, HANDOVER, now));
  const [last] = [...all].sort((one, other) => endOf(other) - endOf(one));
  return (fit ?? last) as Authority;
}

const endOf = ({ certificate }: Authority) => Date.parse(certificate.validTo);

function isLeft(authority: Authority, time: number, now: number): boolean {
  return Date.parse(authority.certificate.validFrom) <= now && endOf(authority) > now + time;
}

const stem = (number: number) => (number === 1 ? AUTHORITY : `${AUTHORITY}-${number}`);
const fileOf = (number: number, ending: 'pem' | 'key') => `${stem(number)}.${ending}`;

/** The files of a folder of certificates that belong to authorities. */
export async function authorityFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names.filter(isAuthorityFile).sort();
}

/** Whether a file of this name belongs to an authority. */
export function isAuthorityFile(name: string): boolean {
  return new RegExp(`^${AUTHORITY}(-[1-9][0-9]{0,8})?\\.(pem|key)$`).test(name);
}

/** Those whose files are whole, by number. A key alone is of one that was being made. */
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
  if (!key) throw lost(layout, fileOf(number, 'key'), 'is missing');
  const [certificate, ...above] = await parsed(pem ?? '').catch(() => {
    throw lost(layout, fileOf(number, 'pem'), 'cannot be read');
  });
  if (!certificate) throw lost(layout, fileOf(number, 'pem'), 'holds no certificate');
  const cert = certificate.toString();
  if (!belongs(cert, key))
    throw lost(layout, fileOf(number, 'key'), 'is not the key of the certificate beside it');
  return { number, cert, key, certificate, chain: number === 1 ? '' : above.join('') };
}

const parsed = async (pem: string) => certificatesIn(pem);

function lost({ certificates }: Layout, file: string, what: string): MerapiError {
  return new MerapiError(
    'configuration',
    `${join(certificates, file)}, a part of the cluster's authority, ${what}; put it back from a backup: no node would trust another one`,
  );
}

/** Makes an authority; its predecessor vouches for it. The key comes first: without the certificate it is nothing. */
async function add(
  layout: Layout,
  number: number,
  predecessor: Authority | null,
  now: number,
): Promise<Authority> {
  const name = `Merapi cluster authority${number === 1 ? '' : ` ${number}`}`;
  const { cert, key } = await issueAuthority(name, now);
  const chain = predecessor === null ? '' : vouchFor({ cert, key }, predecessor) + predecessor.chain;
  await writeFileDurably(join(layout.certificates, fileOf(number, 'key')), key, 0o600);
  await writeFileDurably(join(layout.certificates, fileOf(number, 'pem')), cert + chain);
  return { number, cert, key, chain, certificate: certificatesIn(cert)[0] as X509Certificate };
}

/** Sees to it that ca.pem, which clients of the API trust, holds all; what else it holds stays. */
async function complete(layout: Layout, own: readonly string[]): Promise<void> {
  const file = join(layout.certificates, fileOf(1, 'pem'));
  const text = (await readFileOrNull(file)) ?? '';
  const there = certificatesIn(text).map(String);
  const missing = own.filter((cert) => !there.includes(cert));
  if (missing.length > 0) await writeFileDurably(file, `${text.trimEnd()}\n${missing.join('')}`);
}
