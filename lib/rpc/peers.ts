// Authentication of node workers by the master and by other workers: the certificate must be signed by an authority of the cluster
// and name the role of exactly this node (lib/base/roles.ts). Dates of certificates are not checked, since clocks may be wrong.
import type { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { MerapiError } from '../base/errors.ts';
import { certificatesIn, nodeRole, type Peer, peerOf } from '../base/roles.ts';
import type { TlsSource } from '../base/tls.ts';

/** The node has a certificate of release 0.1.0, which names no role. It must be renewed before the node can be used. */
export class NoRoleError extends MerapiError {}

/** Options of connections to the worker of a node. */
export interface PeerOptions {
  /** Milliseconds until an attempt to connect is given up. */
  timeout: number;
  /** Also accepts a certificate that names the node, but no role. Only for the renewal of that certificate. */
  older?: boolean;
}

/**
 * Makes a connector for undici that connects to the worker of one node only. If anyone else answers, even with another certificate of
 * the cluster, the connection is closed before anything is sent. `tls` is called for each connection, so renewed files take effect.
 */
export function connectorTo(
  node: string,
  tls: TlsSource,
  { timeout, older = false }: PeerOptions,
): buildConnector.connector {
  return (options, callback) => {
    const { ca, cert, key } = tls();
    // checkNode() verifies the certificate instead of TLS. A resumed session would not have the whole chain, so there are none.
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

/** Checks that the peer is the worker of a node. @throws MerapiError forbidden; NoRoleError */
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
