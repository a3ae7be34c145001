// The master's side of the protocol with node workers (wire.ts). Each node has a link: an HTTP agent and, if it is followed, a stream of
// facts that is opened again whenever it breaks. Calls are repeated for a while when the connection fails. That is safe: a call that
// changes a node has an id, under which it is executed once, and a number, by which the worker refuses it once it is given up (order.ts).
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { unattended } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import { errorText, fromFailure, MerapiError, toFailure } from '../base/errors.ts';
import { stringifyJson } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import { underAny } from '../base/signals.ts';
import type { TlsSource } from '../base/tls.ts';
import type { Node, NodeAddress } from '../model/node.ts';
import type { CallOptions, NodeCaller, Outcome } from './caller.ts';
import type { CallDefinition } from './define.ts';
import { type CallOrder, Numbering } from './order.ts';
import { connectorTo, NoRoleError } from './peers.ts';
import { type Attempt, CONNECT, type Endpoint, post, urlHost } from './post.ts';
import { type CallName, calls, type ParamsOf, type ResultOf } from './registry.ts';
import { type NodeCertificate, renewCertificate } from './renewal.ts';
import type { RuntimeTable } from './runtime.ts';
import { stoppable } from './stoppable.ts';
import { RuntimeFacts } from './types.ts';
import {
  type CallAnswer,
  type CallRequest,
  CONTRACT,
  CONTRACT_HEADER,
  contractMismatch,
  contractOf,
  HEARTBEAT,
} from './wire.ts';

/** The dependencies and settings of a NodeClient. */
export interface NodeClientOptions {
  tls: TlsSource;
  /** The certificate and authorities that a node must get instead of its present ones; null when they need no renewal. Default: null. */
  renewal?(node: NodeAddress, present: NodeCertificate): Promise<NodeCertificate | null>;
  /** Where a node's worker listens; called again whenever a connection fails. */
  endpointOf(node: NodeAddress): Promise<Endpoint>;
  /** A number that increments with each start of a master: workers refuse calls with an earlier one. */
  epoch: number;
  runtime: RuntimeTable;
  log: Logger;
  clock: Clock;
  /** Milliseconds for which a call is repeated while the worker cannot be reached, e.g. because it restarts; default 10,000. */
  patience?: number;
}

/** The oldest version of the protocol that a worker can have, which is assumed until its version is known. */
const OLDEST = CONTRACT - 1;

/** The connections to one node. */
interface Link {
  /** The node as of the last follow(), or of the first call. */
  node: NodeAddress;
  agent: Agent;
  endpoint: Endpoint | null;
  stop: AbortController;
  /** The version of the protocol that the worker had when the stream of its facts was last opened; before that the oldest possible one. */
  contract: number;
  /** Whether the facts of the node are followed. */
  watched: boolean;
  /** The certificate and authorities that it had at the last renewal; null before. */
  certificate: NodeCertificate | null;
}

/** The master's connections to the node workers: makes calls, and keeps a RuntimeTable up to date. */
export class NodeClient implements NodeCaller {
  readonly #options: NodeClientOptions;
  readonly #links = new Map<string, Link>();
  readonly #closing = new AbortController();
  readonly #numbering: Numbering;

  constructor(options: NodeClientOptions) {
    this.#options = options;
    this.#numbering = new Numbering(options.epoch);
  }

  async call<N extends CallName>(
    node: Node,
    name: N,
    params: ParamsOf<N>,
    { id, ends, signal, tell }: CallOptions = {},
  ): Promise<ResultOf<N>> {
    if (node.offline) throw new MerapiError('node_unreachable', `Node ${node.name} is marked offline`);
    const definition: CallDefinition = calls[name];
    const { timeout, mutates, cancellable, older } = definition;
    const contract = this.#links.get(node.uuid)?.contract ?? OLDEST;
    const sent = older && contract < CONTRACT ? older(params) : params;
    const end = mutates && !cancellable ? undefined : signal;
    const send = (request: CallRequest) =>
      this.#send(node, { name, body: stringifyJson(request), timeout, signal: end, tell });
    const change = (order: CallOrder) => send({ id: id ?? null, ...(ends && { ends }), order, params: sent });
    const stopped = (make: () => Promise<CallAnswer>) => {
      if (!cancellable || id === undefined || signal === undefined) return make();
      const ask = (over: AbortSignal) => this.call(node, 'call.cancel', { id }, { signal: over });
      return stoppable({ signal, ask, log: this.#options.log, clock: this.#options.clock }, make);
    };
    const answer = mutates
      ? await this.#numbering.during(node.uuid, (order) => stopped(() => change(order)))
      : await send({ id: null, params: sent });
    if (answer.facts) this.#options.runtime.update(node.uuid, answer.facts);
    if (answer.error) throw fromFailure(answer.error);
    const result = definition.result.parse(answer.result) as ResultOf<N>;
    if (name === 'node.facts') this.#options.runtime.update(node.uuid, result as ResultOf<'node.facts'>);
    return result;
  }

  async callAll<N extends CallName>(
    nodes: readonly Node[],
    name: N,
    params: ParamsOf<N>,
  ): Promise<Map<string, Outcome<ResultOf<N>>>> {
    const { log } = this.#options;
    const outcomes = await Promise.all(
      nodes.map(async (node): Promise<[string, Outcome<ResultOf<N>>]> => {
        try {
          return [node.uuid, { result: await this.call(node, name, params) }];
        } catch (error) {
          if (!(error instanceof MerapiError))
            log.error({ node: node.name, call: name, err: error }, 'a call failed unexpectedly');
          return [node.uuid, { failure: toFailure(error) }];
        }
      }),
    );
    return new Map(outcomes);
  }

  /** Follows the facts of exactly these nodes. Resolves when each has sent its facts once, or its first connection has failed. */
  async follow(nodes: readonly NodeAddress[]): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const wanted = new Set(nodes.map((node) => node.uuid));
    for (const [uuid, link] of this.#links) if (!wanted.has(uuid)) this.#drop(uuid, link);
    await Promise.all(
      nodes.map((node) => {
        const link = this.#link(node);
        link.node = node; // its address may have changed
        if (link.watched) return undefined;
        link.watched = true;
        return new Promise<void>((resolve) =>
          unattended('following a node', this.#options.log, () => this.#watch(link, resolve)),
        );
      }),
    );
  }

  /** Gives up all calls and closes all connections. */
  async close(): Promise<void> {
    this.#closing.abort();
    const agents = [...this.#links.values()].map((link) => link.agent);
    for (const [uuid, link] of this.#links) this.#drop(uuid, link);
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  /** Sends a request, again after failures of the connection until the patience is over. A timeout is not repeated. */
  async #send(node: Node, { signal, ...attempt }: Attempt): Promise<CallAnswer> {
    const { name, timeout } = attempt;
    const { clock, patience = 10_000 } = this.#options;
    const deadline = clock.now() + patience;
    const closing = this.#closing.signal;
    const unreachable = (cause: unknown) =>
      new MerapiError('node_unreachable', `Node ${node.name} cannot be reached: ${errorText(cause)}`, {
        cause,
      });
    for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
      if (closing.aborted)
        throw unreachable(new MerapiError('unavailable', 'the connections to the nodes are closed'));
      const link = this.#link(node);
      try {
        link.endpoint ??= await this.#options.endpointOf(node);
        const to = { node: node.name, endpoint: link.endpoint, agent: link.agent };
        const ends = [link.stop.signal, ...(signal && !calls[name].mutates ? [signal] : [])];
        return await underAny(ends, (end) => post({ ...to, signal: end }, attempt));
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        link.endpoint = null;
        if (error instanceof MerapiError && error.code === 'wrong_state') throw unreachable(error);
        if (isTimeout(error))
          throw new MerapiError(
            'timeout',
            `Node ${node.name} did not answer ${name} within ${timeout / 1000} s`,
          );
        if (clock.now() + pause > deadline) throw unreachable(error);
        if (needsRenewal(error)) await this.#renew(link);
      }
      await clock.sleep(pause, { signal: closing }).catch(() => undefined);
    }
  }

  /** Renews the certificates and authorities of the followed nodes that need it, by what they last reported. */
  async renewCertificates(): Promise<void> {
    const { renewal } = this.#options;
    if (!renewal) return;
    for (const link of [...this.#links.values()]) {
      const { node, certificate, watched } = link;
      if (certificate ? await renewal(node, certificate) : watched) await this.#renew(link);
    }
  }

  /** Renews the certificate and authorities of a node if needed; a failure is only logged. */
  async #renew(link: Link): Promise<void> {
    const { renewal, tls, log, endpointOf } = this.#options;
    const { node, stop } = link;
    if (!renewal) return;
    try {
      const to = { node: node.name, endpoint: await endpointOf(node), signal: stop.signal };
      link.certificate = await renewCertificate(to, tls, (present) => renewal(node, present));
    } catch (error) {
      if (!stop.signal.aborted)
        log.debug({ node: node.name, reason: errorText(error) }, 'the certificate of a node is not renewed');
    }
  }

  #link(node: NodeAddress): Link {
    let link = this.#links.get(node.uuid);
    if (link && link.node.name === node.name) return link;
    if (link) this.#drop(node.uuid, link);
    const connect = connectorTo(node.name, this.#options.tls, { timeout: CONNECT });
    link = {
      node,
      // No timeouts here: each call has its own, and some take hours. Calls and the stream of facts use one connection each.
      agent: new Agent({
        connect,
        bodyTimeout: 0,
        headersTimeout: 0,
        keepAliveTimeout: 60_000,
        connections: 64,
      }),
      endpoint: null,
      stop: new AbortController(),
      contract: OLDEST,
      watched: false,
      certificate: null,
    };
    this.#links.set(node.uuid, link);
    return link;
  }

  #drop(uuid: string, link: Link): void {
    link.stop.abort(new MerapiError('node_unreachable', 'the connection was given up'));
    this.#links.delete(uuid);
    this.#options.runtime.drop(uuid);
    unattended('ending the connections to a node', this.#options.log, () => link.agent.destroy());
  }

  /** Follows the facts of a node until the link is dropped; `first` is called after the first facts or the first failure. */
  async #watch(link: Link, first: () => void): Promise<void> {
    const { runtime, log, clock } = this.#options;
    const { signal } = link.stop;
    const { uuid, name } = link.node;
    for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, 5_000)) {
      let isKnown = false;
      try {
        await this.#readFacts(link, () => {
          pause = 100;
          first();
          if (!isKnown) unattended('renewing the certificate of a node', log, () => this.#renew(link));
          isKnown = true;
        });
      } catch (error) {
        if (needsRenewal(error)) await this.#renew(link);
        // When the link was dropped, its facts were too; the table may have newer ones from another link to the node.
        if (signal.aborted) break;
        if (runtime.of(uuid))
          log.warn({ node: name, reason: errorText(error) }, 'lost the connection to a node');
      }
      link.endpoint = null;
      runtime.drop(uuid);
      first();
      await clock.sleep(pause, { signal }).catch(() => undefined);
    }
    first();
  }

  /** Reads the stream of a node's facts; it never ends without an error. @throws MerapiError; errors of the connection */
  async #readFacts(link: Link, onFacts: () => void): Promise<never> {
    link.endpoint ??= await this.#options.endpointOf(link.node);
    const { host, port } = link.endpoint;
    const { signal } = link.stop;
    const response = await request(`https://${urlHost(host)}:${port}/facts`, {
      dispatcher: link.agent,
      signal,
      headers: { [CONTRACT_HEADER]: String(CONTRACT) },
      headersTimeout: 10_000,
      bodyTimeout: 3 * HEARTBEAT,
    });
    const theirs = response.headers[CONTRACT_HEADER];
    const mismatch = contractMismatch(theirs, 'worker');
    if (mismatch !== null) throw new MerapiError('node_unreachable', mismatch);
    link.contract = contractOf(theirs);
    if (response.statusCode !== 200)
      throw new MerapiError('node_unreachable', `it answers with status ${response.statusCode}`);
    for await (const line of createInterface({ input: response.body })) {
      signal.throwIfAborted();
      this.#options.runtime.update(link.node.uuid, RuntimeFacts.parse(JSON.parse(line)));
      onFacts();
    }
    throw new MerapiError('node_unreachable', 'the node ended the connection');
  }
}

/** Whether a connection failed only because the node's certificate must be renewed. */
function needsRenewal(error: unknown): boolean {
  return error instanceof NoRoleError;
}

function isTimeout(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT';
}
