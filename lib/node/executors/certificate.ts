import type { Handlers } from '../../rpc/server.ts';
import type { Identities } from '../backup/identities.ts';

/** The handlers of the calls about the certificates that this node uses towards other clusters. */
export function certificateExecutors(
  identities: Identities,
): Pick<Handlers, 'certificate.create' | 'certificate.remove'> {
  return {
    'certificate.create': async ({ name, common_name, seconds }) => ({
      cert: (await identities.create(name, common_name, seconds)).cert,
    }),
    'certificate.remove': async ({ name }) => {
      await identities.remove(name);
      return {};
    },
  };
}
