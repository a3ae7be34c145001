import { type Background, type BackgroundParts, periodic } from '../base/background.ts';
import type { TlsFiles, TlsSource } from '../base/tls.ts';
import type { NodeClient, NodeClientOptions } from '../rpc/client.ts';
import { type Authorities, openAuthorities } from './authorities.ts';
import { masterTls, renewedNode } from './certificates.ts';
import type { Layout } from './layout.ts';

/** The time between two checks for certificates that are due, in milliseconds. Short, because a clock may jump. */
const PERIOD = 60_000;

/** The certificates and authorities of a running master, renewed while it runs. */
export class Credentials {
  readonly #layout: Layout;
  readonly #now: () => number;
  #authorities: Authorities;
  #tls: TlsFiles;
  #onRenew: (() => Promise<void>)[] = [];

  private constructor(layout: Layout, now: () => number, authorities: Authorities, tls: TlsFiles) {
    this.#layout = layout;
    this.#now = now;
    this.#authorities = authorities;
    this.#tls = tls;
  }

  /** `now` returns the machine's time in milliseconds since 1970. @throws MerapiError as openAuthorities() */
  static async open(layout: Layout, now: () => number): Promise<Credentials> {
    const authorities = await openAuthorities(layout, now());
    return new Credentials(layout, now, authorities, await masterTls(layout, authorities, now()));
  }

  get authorities(): Authorities {
    return this.#authorities;
  }

  /** The master's identity for connections to nodes. */
  readonly tls: TlsSource = () => this.#tls;

  /** Computes the renewed certificate of a node, as renewedNode() does. */
  readonly renewal: NonNullable<NodeClientOptions['renewal']> = ({ name }, present) =>
    renewedNode(name, present, this.#authorities, this.#now());

  /** Registers a callback that renews further certificates; called at each renew(). */
  onRenew(renew: () => Promise<void>): void {
    this.#onRenew.push(renew);
  }

  /** Renews the certificates that are due, at the master and at the nodes to which `nodes` is connected. */
  async renew(nodes: NodeClient): Promise<void> {
    this.#authorities = await openAuthorities(this.#layout, this.#now());
    this.#tls = await masterTls(this.#layout, this.#authorities, this.#now());
    for (const renew of this.#onRenew) await renew();
    await nodes.renewCertificates();
  }
}

/** Renews certificates that are due, at the start and every minute. */
export function certificateRenewal(
  credentials: Credentials,
  nodes: NodeClient,
  parts: BackgroundParts,
): Background {
  return periodic('certificates are renewed', parts, PERIOD, () => credentials.renew(nodes));
}
