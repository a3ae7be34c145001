import { X509Certificate } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { readFileOrNull, writeFileDurably } from '../../base/files.ts';
import { type Identity, issueAlone } from '../../base/tls.ts';
import { fileStem } from '../names.ts';

const FILE = 'identity.pem';

/** The certificates that this node shows to other clusters, each made for one exchange: FOLDER/NAME/identity.pem. */
export class Identities {
  readonly #folder: string;

  constructor(folder: string) {
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
    const text = await readFileOrNull(this.#file(name));
    if (text === null) return null;
    const key = text.indexOf('-----BEGIN PRIVATE KEY-----');
    return { cert: text.slice(0, key), key: text.slice(key) };
  }

  async #clean(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const identity = await this.#read(name);
      if (!identity || Date.parse(new X509Certificate(identity.cert).validTo) < Date.now())
        await this.remove(name);
    }
  }

  #file(name: string): string {
    return join(this.#folder, fileStem(name), FILE);
  }
}
