import { Agent } from 'undici';
import { fromFailure } from '../base/errors.ts';
import { stringifyJson } from '../base/json.ts';
import type { TlsSource } from '../base/tls.ts';
import { connectorTo } from './peers.ts';
import { CONNECT, post, type Receiver } from './post.ts';
import { type CallName, calls, type ParamsOf, type ResultOf } from './registry.ts';

/** The certificate of a node and the authorities that it trusts, as PEM texts. */
export type NodeCertificate = ResultOf<'node.certificate'>;

/**
 * Reads the certificate and authorities of a node, and replaces them with what `renewal` returns, if anything. It uses a connection of
 * its own that also accepts certificates of release 0.1.0, which name no role.
 * @returns what the node has afterwards
 * @throws MerapiError; errors of the connection
 */
export async function renewCertificate(
  to: Omit<Receiver, 'agent'>,
  tls: TlsSource,
  renewal: (present: NodeCertificate) => Promise<NodeCertificate | null>,
): Promise<NodeCertificate> {
  const agent = new Agent({ connect: connectorTo(to.node, tls, { timeout: CONNECT, older: true }) });
  const ask = async <N extends CallName>(name: N, params: ParamsOf<N>): Promise<ResultOf<N>> => {
    const { timeout, result } = calls[name];
    const answer = await post({ ...to, agent }, { name, body: stringifyJson({ id: null, params }), timeout });
    if (answer.error) throw fromFailure(answer.error);
    return result.parse(answer.result) as ResultOf<N>;
  };
  try {
    const present = await ask('node.certificate', {});
    const wanted = await renewal(present);
    if (wanted) await ask('node.certify', wanted);
    return wanted ?? present;
  } finally {
    await agent.destroy();
  }
}
