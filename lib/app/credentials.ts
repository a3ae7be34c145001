import { type Background, type BackgroundParts, periodic } from '../base/background.ts';
import type { TlsFiles, TlsSource } from '../base/tls.ts';
import type { NodeClient, NodeClientOptions } from '../rpc/client.ts';
import { type Authorities, openAuthorities } from './authorities.ts';
import { masterTls, renewedNode } from './certificates.ts';
import type { Layout } from './layout.ts';

/** How often it is looked whether something is to be renewed, in milliseconds. A clock may jump. */
const PERIOD = 60_000;

/** What a master shows and signs with, renewed while it runs. */
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

  /** `now` tells the machine's time in milliseconds. @throws MerapiError as openAuthorities() */
  static async open(layout: Layout, now: () => number): Promise<Credentials> {
    const authorities = await openAuthorities(layout, now());
    return new Credentials(layout, now, authorities, await masterTls(layout, authorities, now()));
  }

  get authorities(): Authorities {
    return this.#authorities;
  }

  /** What the master shows to nodes. */
  readonly tls: TlsSource = () => this.#tls;

  /** What a node is to show instead of what it does. */
  readonly renewal: NonNullable<NodeClientOptions['renewal']> = ({ name }, present) =>
    renewedNode(name, present, this.#authorities, this.#now());

  /** Calls `renew` whenever it is looked for what is to be renewed. */
  onRenew(renew: () => Promise<void>): void {
    this.#onRenew.push(renew);
  }

  /** Renews what is due, at the master and at the nodes that `nodes` follows. */
  async renew(nodes: NodeClient): Promise<void> {
    this.#authorities = await openAuthorities(this.#layout, this.#now());
    this.#tls = await masterTls(this.#layout, this.#authorities, this.#now());
    for (const renew of this.#onRenew) await renew();
    await nodes.renewCertificates();
  }
}

/** Renews what is due, now and every minute. */
export function certificateRenewal(
  credentials: Credentials,
  nodes: NodeClient,
  parts: BackgroundParts,
): Background {
  return periodic('certificates are renewed', parts, PERIOD, () => credentials.renew(nodes));
}
