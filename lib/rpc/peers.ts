import type { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { MerapiError } from '../base/errors.ts';
import { certificatesIn, nodeRole, type Peer, peerOf } from '../base/roles.ts';
import type { TlsSource } from '../base/tls.ts';

/** Why a node is not spoken to whose certificate is of release 0.1.0; it can be renewed. */
export class NoRoleError extends MerapiError {}

/** How a connection to the worker of a node is made. */
export interface PeerOptions {
  /** Milliseconds until an attempt is given up. */
  timeout: number;
  /** Whether a certificate that names no role, but the node, is enough: so long as it takes to renew it. */
  older?: boolean;
}

/**
 * Makes connections of undici that end at the worker of one node: whoever else answers, be it with another certificate of the
 * cluster, is hung up on before anything is sent. What this side shows is asked for at each connection.
 */
export function connectorTo(
  node: string,
  tls: TlsSource,
  { timeout, older = false }: PeerOptions,
): buildConnector.connector {
  return (options, callback) => {
    const { ca, cert, key } = tls();
    // What is shown is looked at below; and a resumed session would not tell the whole chain.
    const own = { ca, cert, key, rejectUnauthorized: false, maxCachedSessions: 0, timeout };
    buildConnector(own)(options, (...[error, socket]) => {
      if (error) return callback(error, null);
      try {
        checkNode(peerOf(socket as TLSSocket, certificatesIn(ca), 'server'), node, older);
      } catch (cause) {
        socket.destroy();
        return callback(cause as Error, null);
      }
      return callback(null, socket);
    });
  };
}

/** @throws MerapiError forbidden when it is not that node */
function checkNode({ certificate, role, fits }: Peer, node: string, older: boolean): void {
  if (!fits) throw new MerapiError('forbidden', 'its certificate is not one of a server');
  if (role === nodeRole(node)) return;
  if (role !== null)
    throw new MerapiError('forbidden', `its certificate is that of ${role}, not of ${nodeRole(node)}`);
  if (!certificate.subject.split('\n').includes(`CN=${node}`) || !certificate.checkHost(node))
    throw new MerapiError('forbidden', `its certificate names no role, and not the node ${node}`);
  if (older) return;
  const problem = 'its certificate is of an older release, and has not been renewed yet';
  throw new NoRoleError('forbidden', problem);
}
