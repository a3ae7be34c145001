// OP_INSTANCE_REMOVE: stops an instance, removes its disks and then its record. A failure or cancel before the first disk is removed
// restarts the instance; after that the removal can only be completed, and what cannot be removed becomes a duty.

import { checkOnline, instanceNamed } from '../../model/find.ts';
import { diskNodesOf, nodesOf } from '../../model/mirror.ts';
import { instanceRemove as opcode } from '../../opcodes/instance/remove.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import { remove } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { removeDisks, withoutOffline } from '../steps/disk-work.ts';
import { logShutdownWait } from '../steps/running.ts';

export const instanceRemove = defineUnit(opcode, {
  check({ view, runtime, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const all = diskNodesOf(view, instance);
    if (!params.ignore_failures) checkOnline(all.primary);
    const nodes = withoutOffline(all, log);
    const target = instanceTarget(view, instance, view.disksOf(instance));
    return { nodes, target, wasRunning: isRunning(runtime, instance) };
  },

  hooks: instanceHooks('instance-remove', ({ shutdown_timeout }, view, instance) => ({
    env: { SHUTDOWN_TIMEOUT: shutdown_timeout },
    pre: [],
    post: nodesOf(view, instance),
  })),

  async run(context, { nodes, target, wasRunning }, params) {
    const node = nodes.primary;
    logShutdownWait(context.log, wasRunning, params.shutdown_timeout);
    const stopping = { instance: target, timeout: params.shutdown_timeout, force: false };
    // As long as no disk has been removed, the instance can be restored.
    const undo = wasRunning
      ? [{ call: 'instance.start' as const, params: { instance: target, paused: false } }]
      : [];
    if (params.ignore_failures) await context.attempt('stop', node, 'instance.stop', stopping, { undo });
    else await context.call('stop', node, 'instance.stop', stopping, undo);
    await removeDisks(context, nodes, target.disks, { refusable: !params.ignore_failures });
    await context.attempt('forget', node, 'instance.forget', { instance: target });
    return {
      result: null,
      changes: () => [
        ...target.disks.map((disk) => remove('disk', disk.uuid)),
        remove('instance', target.uuid),
      ],
    };
  },
});
