import type { Handlers } from '../../rpc/server.ts';
import type { Journal } from '../journal.ts';

type CallHandlers = Pick<Handlers, Extract<keyof Handlers, `call.${string}`>>;

/** The handlers of the calls about other calls of the same node. */
export function callExecutors(journal: Journal): CallHandlers {
  return {
    'call.cancel': async ({ id }) => {
      await journal.cancel(id);
      return {};
    },
  };
}
