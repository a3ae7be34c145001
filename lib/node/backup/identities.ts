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

/** The certificates that this node shows to other clusters, each made for one exchange: FOLDER/NAME/identity.pem. */
export class Identities {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#clock = clock;
    this.#folder = folder;
  }

  /** The identity of this name, made when it is missing, valid for some seconds. Those that are not valid any more go. */
  async create(name: string, commonName: string, seconds: number): Promise<Identity> {
    await this.#clean();
    const known = await this.#read(name);
    if (known) return known;
    const identity = await issueAlone(commonName, seconds);
    // One file, so that the two parts can never be of different makings.
    await writeFileDurably(this.#file(name), `${identity.cert}${identity.key}`, 0o600);
    return identity;
  }

  /** @throws MerapiError wrong_input when there is none of this name */
  async get(name: string): Promise<Identity> {
    const identity = await this.#read(name);
    if (identity) return identity;
    throw new MerapiError(
      'wrong_input',
      `This node has no certificate '${name}' (any more); prepare the export again`,
    );
  }

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
      const identity = await this.#read(name).catch(() => undefined); // who wants it will be told what is wrong
      if (identity === undefined) continue;
      if (!identity || Date.parse(new X509Certificate(identity.cert).validTo) < this.#clock.seconds() * 1000)
        await this.remove(name);
    }
  }

  #file(name: string): string {
    return join(this.#folder, fileStem(name), FILE);
  }
}

/** Whether the parts of an identity are whole and belong together. */
function isPair({ cert, key }: Identity): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
