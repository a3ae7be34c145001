import type { Handlers } from '../../rpc/server.ts';
import type { HookScripts } from '../hooks.ts';

/** The handlers of the calls about hooks. */
export function hooksExecutors(hooks: HookScripts): Pick<Handlers, 'hooks.run'> {
  return {
    'hooks.run': async ({ hook, phase, env }) => ({ results: await hooks.run(hook, phase, env) }),
  };
}
