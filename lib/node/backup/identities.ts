import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import { writeFileDurably } from '../../base/files.ts';
import { readStateText } from '../../base/state-file.ts';
import { type Identity, issueAlone } from '../../base/tls.ts';
import { fileStem } from '../names.ts';

const FILE = 'identity.pem';
const format = {
  what: 'a certificate for another cluster',
  remedy: 'remove it and prepare the export again',
};

/**
 * The self-signed certificates of this node towards other clusters, each made for one transfer: FOLDER/NAME/identity.pem. Transfers
 * do not use the cluster's own certificates, and the other cluster trusts exactly this one.
 */
export class Identities {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#clock = clock;
    this.#folder = folder;
  }

  /**
   * Returns the certificate of this name and its key; creates them, valid for `seconds`, when they are missing. Removes all
   * certificates that have expired.
   * @throws MerapiError configuration when the file exists and is damaged
   */
  async create(name: string, commonName: string, seconds: number): Promise<Identity> {
    await this.#clean();
    const known = await this.#read(name);
    if (known) return known;
    const identity = await issueAlone(commonName, seconds);
    // One file, so that certificate and key always belong together.
    await writeFileDurably(this.#file(name), `${identity.cert}${identity.key}`, 0o600);
    return identity;
  }

  /** The certificate of this name and its key. @throws MerapiError wrong_input when there is none, configuration when it is damaged */
  async get(name: string): Promise<Identity> {
    const identity = await this.#read(name);
    if (identity) return identity;
    throw new MerapiError(
      'wrong_input',
      `This node has no certificate '${name}', or it has expired; prepare the export again`,
    );
  }

  /** Removes a certificate and its key; nothing to do when there is none. */
  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, fileStem(name)), { recursive: true, force: true });
  }

  async #read(name: string): Promise<Identity | null> {
    const path = this.#file(name);
    const text = await readStateText(path, format);
    if (text === null) return null;
    const key = text.indexOf('-----BEGIN PRIVATE KEY-----');
    const identity = { cert: text.slice(0, Math.max(key, 0)), key: text.slice(key) };
    if (key < 0 || !isPair(identity))
      throw new MerapiError('configuration', `${path} (${format.what}) is damaged; ${format.remedy}`);
    return identity;
  }

  async #clean(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const identity = await this.#read(name).catch(() => undefined);
      if (identity === undefined) continue; // it is damaged; create() and get() report that
      const expires = identity && Date.parse(new X509Certificate(identity.cert).validTo);
      if (expires === null || expires < this.#clock.seconds() * 1000) await this.remove(name);
    }
  }

  #file(name: string): string {
    return join(this.#folder, fileStem(name), FILE);
  }
}

/** Whether a certificate and a key can be parsed and belong together. */
function isPair({ cert, key }: Identity): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
