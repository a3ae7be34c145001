import type { Handlers } from '../../rpc/server.ts';
import type { Identities } from '../backup/identities.ts';

/** Serves the calls about certificates for other clusters. */
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
