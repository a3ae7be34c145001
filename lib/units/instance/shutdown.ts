// OP_INSTANCE_SHUTDOWN: stops an instance and records that it is meant to be down. On an offline node (ignore_offline_nodes) only the
// admin state is recorded. There is no undo: a guest that has shut down stays so.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { instanceShutdown as opcode } from '../../opcodes/instance/shutdown.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import { defineUnit } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { deactivateDisks, withoutOffline } from '../steps/disk-work.ts';
import { logShutdownWait, setAdminState } from '../steps/running.ts';

export const instanceShutdown = defineUnit(opcode, {
  check({ view, runtime, resolve, log }, params) {
    const source = params.admin_state_source ?? 'admin';
    resolve({ admin_state_source: source });
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const nodes = withoutOffline(diskNodesOf(view, instance), log);
    const node = nodes.primary;
    if (instance.admin_state === 'offline' && !params.force)
      throw new MerapiError(
        'wrong_state',
        `Instance ${instance.name} is offline, so there is nothing to shut down`,
      );
    const target = instanceTarget(view, instance, view.disksOf(instance));
    const recordOnly = node.offline && params.ignore_offline_nodes;
    if (recordOnly) log(`Node ${node.name} is offline: the instance is only marked as down`);
    else checkOnline(node);
    const wasRunning = isRunning(runtime, instance);
    if (params.force && !wasRunning) log('The instance does not run; it is stopped anyway');
    return { node, nodes, target, source, recordOnly, wasRunning };
  },

  hooks: instanceHooks('instance-stop', ({ timeout }) => ({ env: { TIMEOUT: timeout } })),

  async run(context, { node, nodes, target, source, recordOnly, wasRunning }, params) {
    if (!recordOnly) {
      logShutdownWait(context.log, wasRunning, params.timeout);
      await context.call('stop', node, 'instance.stop', {
        instance: target,
        timeout: params.timeout,
        force: false,
      });
      // The guest is down by now, so the opcode does not fail because of disks that stay active.
      await deactivateDisks(context, nodes, target.disks, { isFinal: true, asDuty: true });
    }
    const now = context.clock.seconds();
    return {
      result: null,
      changes: params.no_remember ? undefined : setAdminState(target.uuid, 'down', source, now),
    };
  },
});
