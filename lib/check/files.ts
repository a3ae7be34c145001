// The part of `merapi check` that looks at the files beside the store: secrets, users, certificates, and the files of local nodes.

import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseUsers } from '../access/users.ts';
import { readUsers } from '../access/users-edit.ts';
import { authorityFiles } from '../app/authorities.ts';
import { readEndpoint } from '../app/endpoint.ts';
import { AUTHORITY, type Layout, localNodes, NODE_IDENTITY, NODE_SETTINGS } from '../app/layout.ts';
import { readNodeSettings } from '../app/node.ts';
import { errorText, MerapiError } from '../base/errors.ts';
import { readFileOrNull } from '../base/files.ts';
import { belongs } from '../base/identity.ts';
import { type Seal, sealOf } from '../base/seal.ts';
import { readRecord } from '../node/hypervisors/kvm/record.ts';
import type { Findings } from '../store/sqlite/check/problem.ts';

const RENEW = 'remove it and its key, and start the master: it makes new ones';
const PUT_BACK = 'restore it from a backup (merapi restore)';

/** The seal of the key file; null when the file is not a key, which is added to the findings. */
export async function readSeal(layout: Layout, findings: Findings): Promise<Pick<Seal, 'open'> | null> {
  const text = (await readFileOrNull(layout.secretKey))?.trim() ?? null;
  const isKey = text !== null && /^[0-9a-f]{64}$/i.test(text);
  if (isKey) return sealOf(Buffer.from(text, 'hex'));
  const wrong = text === null ? 'is missing' : 'is not a key: it must contain 64 hexadecimal digits';
  findings.add('secret', layout.secretKey, wrong, PUT_BACK);
  return null;
}

/** Checks that the secrets, certificates and users of a state folder exist, belong together and are valid. */
export async function checkFiles(layout: Layout, findings: Findings): Promise<void> {
  if (!(await readFileOrNull(layout.sharedSecret))?.trim())
    findings.add('secret', layout.sharedSecret, 'is missing or empty', PUT_BACK);
  await checkUsers(layout, findings);
  for (const name of await localNodes(layout)) await checkNodeState(layout.nodeFolder(name), findings);
  const issuers = await checkAuthorities(layout, findings);
  if (issuers.length === 0) return;
  const identities = [join(layout.certificates, 'master')];
  const hasRapi = await Promise.all(
    ['pem', 'key'].map((ending) => readFileOrNull(join(layout.certificates, `rapi.${ending}`))),
  );
  if (hasRapi.some((text) => text !== null)) identities.push(join(layout.certificates, 'rapi'));
  for (const base of identities) await checkIdentity(base, issuers, RENEW, findings);
  for (const name of await localNodes(layout)) await checkNode(layout.nodeFolder(name), issuers, findings);
}

/** Checks the users file of the state folder, as the master reads it at its start. */
async function checkUsers(layout: Layout, findings: Findings): Promise<void> {
  try {
    const text = await readUsers(layout.users);
    if (text !== null) parseUsers(text); // a missing file is no problem: the master creates one, or --users names another
  } catch (error) {
    findings.add('file', layout.users, errorText(error), 'correct that line (see rapi-users.example)');
  }
}

/** Reads the state files of a node on this machine as its worker does, and reports those that the worker would refuse. */
async function checkNodeState(folder: string, findings: Findings): Promise<void> {
  const files = await readdir(folder).catch(() => [] as string[]);
  const guests = join(folder, 'guests');
  const kept = await readdir(guests, { withFileTypes: true }).catch(() => []);
  const reads = [
    ...(files.includes(NODE_SETTINGS) ? [() => readNodeSettings(folder)] : []),
    () => readEndpoint(folder),
    ...kept
      .filter((entry) => entry.isDirectory())
      .map(
        ({ name }) =>
          () =>
            readRecord(join(guests, name)),
      ),
  ];
  for (const read of reads)
    try {
      await read();
    } catch (error) {
      if (!(error instanceof MerapiError)) throw error;
      const [text = '', ...advice] = error.message.split('; ');
      findings.add('file', folder, text, advice.join('; '));
    }
}

/** The usable authorities of the cluster; problems of the others are added to the findings. */
async function checkAuthorities(layout: Layout, findings: Findings): Promise<X509Certificate[]> {
  const files = await authorityFiles(layout.certificates);
  const names = files.filter((name) => name.endsWith('.pem')).map((name) => name.slice(0, -4));
  const found = await Promise.all(
    [...new Set([AUTHORITY, ...names])].map(async (name) => {
      const base = join(layout.certificates, name);
      const certificate = await checkIdentity(base, null, PUT_BACK, findings);
      if (certificate && !certificate.ca)
        findings.add('certificate', `${base}.pem`, 'is not a certificate authority', PUT_BACK);
      return certificate;
    }),
  );
  return found.filter((certificate) => certificate !== null);
}

/** Checks the certificates of a node on this machine. A folder without any is fine: the node has none yet, or has moved elsewhere. */
async function checkNode(
  folder: string,
  issuers: readonly X509Certificate[],
  findings: Findings,
): Promise<void> {
  const files = await readdir(folder).catch(() => [] as string[]);
  if (!files.includes(`${NODE_IDENTITY}.pem`) && !files.includes(`${NODE_IDENTITY}.key`)) return;
  await checkIdentity(join(folder, NODE_IDENTITY), issuers, RENEW, findings);
  const trusted = join(folder, `${AUTHORITY}.pem`);
  const certificate = await readCertificate(trusted, RENEW, findings);
  if (certificate && !issuers.some((issuer) => issuer.fingerprint256 === certificate.fingerprint256))
    findings.add('certificate', trusted, "is not the cluster's authority", 'copy certificates/ca.pem there');
}

/**
 * Checks BASE.pem and BASE.key; returns the certificate when it can be read. `issuers` is null for an authority, which must be
 * self-signed; its validity time is not checked.
 */
async function checkIdentity(
  base: string,
  issuers: readonly X509Certificate[] | null,
  advice: string,
  findings: Findings,
): Promise<X509Certificate | null> {
  const certificate = await readCertificate(`${base}.pem`, advice, findings);
  const key = await readFileOrNull(`${base}.key`);
  const found = (ending: string, text: string) =>
    findings.add('certificate', `${base}.${ending}`, text, advice);
  if (key === null) found('key', 'is missing');
  if (!certificate) return null;
  if (issuers) checkTime(certificate, `${base}.pem`, findings);
  if (!(issuers ?? [certificate]).some((issuer) => certificate.verify(issuer.publicKey)))
    found('pem', "is not signed by the cluster's authority");
  if (key !== null && !belongs(certificate.toString(), key))
    found('key', 'does not belong to the certificate beside it');
  return certificate;
}

/** Reports a certificate that is not valid now. */
function checkTime(certificate: X509Certificate, file: string, findings: Findings): void {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const found = (text: string) => findings.add('certificate', file, text, 'start the master: it renews it');
  if (Date.now() < from) found(`is valid only from ${certificate.validFrom}; is the clock right?`);
  if (Date.now() > to) found(`was valid until ${certificate.validTo}`);
}

/** Reads a certificate; when it is missing or invalid, adds that to the findings and returns null. */
async function readCertificate(
  file: string,
  advice: string,
  findings: Findings,
): Promise<X509Certificate | null> {
  const text = await readFileOrNull(file);
  try {
    if (text !== null) return new X509Certificate(text);
    findings.add('certificate', file, 'is missing', advice);
  } catch (error) {
    findings.add('certificate', file, `is not a certificate: ${errorText(error)}`, advice);
  }
  return null;
}
