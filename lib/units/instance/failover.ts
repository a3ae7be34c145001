// OP_INSTANCE_FAILOVER: see steps/failing-over.ts. With cleanup nothing is moved: the node on which the instance runs is recorded as its
// primary node, after a failover that was interrupted.

import { instanceNamed } from '../../model/find.ts';
import { instanceFailover as opcode } from '../../opcodes/instance/failover.ts';
import { defineUnit } from '../define.ts';
import { instanceHooks, moveHooks } from '../hooks/hooks.ts';
import { checkFailover, failOver } from '../steps/failing-over.ts';
import { checkMove, findRunningNode, type Move, setPrimaryNode } from '../steps/relocation.ts';

const HOOK = 'instance-failover';

export const instanceFailover = defineUnit(opcode, {
  async check(context, params): Promise<{ move: Move } | { uuid: string; place: string }> {
    const { view, runtime, resolve } = context;
    if (params.cleanup) {
      const instance = instanceNamed(view, params.instance_name);
      resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
      return { uuid: instance.uuid, place: findRunningNode(view, runtime, instance).uuid };
    }
    const move = await checkMove(context, params);
    await checkFailover(context, move, params);
    return { move };
  },

  hooks: (view, facts, { instance_name, cleanup, ignore_consistency, shutdown_timeout }) => {
    const env = {
      FAILOVER_CLEANUP: cleanup,
      IGNORE_CONSISTENCY: ignore_consistency,
      SHUTDOWN_TIMEOUT: shutdown_timeout,
    };
    if ('place' in facts) return instanceHooks(HOOK)(view, facts, { instance_name });
    return moveHooks(view, HOOK, facts.move, { ...env, TARGET_NODE: facts.move.to.name });
  },

  async run(context, facts, params) {
    const now = context.clock.seconds();
    if ('place' in facts) return { result: null, changes: setPrimaryNode(facts.uuid, facts.place, now) };
    await failOver(context, facts.move, params);
    return { result: null };
  },
});
