// What `dist` has of undici. Its own index also loads fetch, WebSocket, caches and mocks, and with them those of Node.js: that was a third of
// the time in which a command of `merapi` starts. A build fails when lib imports something from it that is not here.
import api from 'undici/lib/api/index.js';
import buildConnector from 'undici/lib/core/connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

Object.assign(Dispatcher.prototype, api);

/** The same as undici's own request(), but a dispatcher must be given. */
function request(url, { dispatcher, ...options }) {
  const { origin, pathname, search } = new URL(url);
  return dispatcher.request({ method: 'GET', ...options, origin, path: pathname + search });
}

export { Agent, buildConnector, request };
