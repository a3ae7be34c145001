import { Agent } from 'undici';
import { fromFailure } from '../base/errors.ts';
import { stringifyJson } from '../base/json.ts';
import type { TlsSource } from '../base/tls.ts';
import { connectorTo } from './peers.ts';
import { CONNECT, post, type Receiver } from './post.ts';
import { type CallName, calls, type ParamsOf, type ResultOf } from './registry.ts';

/** What a node shows and trusts: PEM texts of certificates. */
export type NodeCertificate = ResultOf<'node.certificate'>;

/**
 * Asks a node what it shows and trusts, and gives it what `renewal` answers instead, if anything; on a connection of its own, for which
 * a certificate of release 0.1.0 is enough. Answers what the node has then. @throws MerapiError and errors of the connection
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
