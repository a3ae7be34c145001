import { errorText, MerapiError } from '../base/errors.ts';
import { belongs } from '../base/identity.ts';
import { certificatesIn, isIssuer, nodeRole, rolesOf } from '../base/roles.ts';
import type { TlsFiles, TlsSource } from '../base/tls.ts';

/** What a node shows and trusts. The master renews it while the worker runs; the key never leaves the node. */
export class Certificate {
  readonly #node: string;
  readonly #save: (files: TlsFiles) => Promise<void>;
  #files: TlsFiles;
  #onChange: (files: TlsFiles) => void = () => undefined;

  /** `save` keeps the files where the next worker finds them. */
  constructor(node: string, files: TlsFiles, save: (files: TlsFiles) => Promise<void>) {
    this.#node = node;
    this.#files = files;
    this.#save = save;
  }

  readonly current: TlsSource = () => this.#files;

  /** Calls back when there is a new one. */
  onChange(listener: (files: TlsFiles) => void): void {
    this.#onChange = listener;
  }

  /** Takes a new certificate for the same key, and other authorities. @throws MerapiError wrong_input when they do not fit */
  async renew(wanted: Omit<TlsFiles, 'key'>): Promise<void> {
    const files = { ...wanted, key: this.#files.key };
    const problem = problemOf(files, this.#node);
    if (problem !== null)
      throw new MerapiError('wrong_input', `The new certificate of node ${this.#node} ${problem}`);
    await this.#save(files);
    this.#files = files;
    this.#onChange(files);
  }
}

/** What is wrong with files that a node is to show and trust; null when nothing is. */
function problemOf({ cert, key, ca }: TlsFiles, node: string): string | null {
  try {
    const [own, ...above] = certificatesIn(cert);
    const authorities = certificatesIn(ca);
    if (!own || !belongs(cert, key)) return 'is not for its key';
    if (rolesOf(own).join() !== nodeRole(node)) return 'is not that of this node';
    if (![...authorities, ...above].some((authority) => isIssuer(authority, own)))
      return 'is not signed by one of the authorities that come with it';
    return null;
  } catch (error) {
    return `cannot be read: ${errorText(error)}`;
  }
}
