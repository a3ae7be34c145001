import { errorText, MerapiError } from '../base/errors.ts';
import { belongs } from '../base/identity.ts';
import { certificatesIn, isIssuer, nodeRole, rolesOf } from '../base/roles.ts';
import type { TlsFiles, TlsSource } from '../base/tls.ts';

/**
 * The TLS certificate of a node and the authorities that it trusts. The master renews both while the worker runs (`node.certify`);
 * the private key stays the same and never leaves the node.
 */
export class Certificate {
  readonly #node: string;
  readonly #save: (files: TlsFiles) => Promise<void>;
  #files: TlsFiles;
  #onChange: (files: TlsFiles) => void = () => undefined;

  /** `save` stores the files for the next start of the worker. */
  constructor(node: string, files: TlsFiles, save: (files: TlsFiles) => Promise<void>) {
    this.#node = node;
    this.#files = files;
    this.#save = save;
  }

  /** The files in use now; connections that open later must ask again. */
  readonly current: TlsSource = () => this.#files;

  /** Sets the one listener that is called after each renewal; a later listener replaces it. */
  onChange(listener: (files: TlsFiles) => void): void {
    this.#onChange = listener;
  }

  /**
   * Replaces the certificate, which must be for the same key, and the authorities. They are stored before they are used.
   * @throws MerapiError wrong_input when they do not belong to this node or its key, or are not signed by these authorities
   */
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

/** What is wrong with a node's certificate and its authorities, as the end of a sentence; null when they are right. */
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
