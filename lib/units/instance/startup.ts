// OP_INSTANCE_STARTUP: starts an instance, with hvparams and beparams that are given only for this time. On an offline node
// (ignore_offline_nodes) only the admin state is recorded.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import { checkBeParams, ownBeParams, ownHvParams } from '../../model/given-params.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { instanceStartup as opcode } from '../../opcodes/instance/startup.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import { checkHost, checkMemory } from '../checks/host.ts';
import { defineUnit } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { activateDisks, withoutOffline } from '../steps/disk-work.ts';
import { setAdminState } from '../steps/running.ts';

export const instanceStartup = defineUnit(opcode, {
  async check({ view, runtime, nodes, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const all = diskNodesOf(view, instance);
    const node = all.primary;
    const override = {
      hvparams: ownHvParams(instance.hypervisor, params.hvparams),
      beparams: ownBeParams(params.beparams),
    };
    if (instance.admin_state === 'offline')
      throw new MerapiError('wrong_state', `Instance ${instance.name} is offline, so it must not be started`);
    const target = instanceTarget(view, instance, view.disksOf(instance), override);
    // Stored backend parameters may contradict each other (OP_INSTANCE_SET_PARAMS only warns); those of a request may not.
    if (Object.keys(params.beparams).length > 0) checkBeParams(target.beparams);
    if (node.offline && params.ignore_offline_nodes) {
      log(`Node ${node.name} is offline: the instance is only marked as up`);
      return { node, nodes: all, target, recordOnly: true, wasRunning: false };
    }
    checkOnline(node);
    const wasRunning = isRunning(runtime, instance);
    if (!wasRunning) {
      await checkHost(nodes, node, target);
      if (!params.force) checkMemory(runtime, node, target.beparams.minmem);
    }
    return { node, nodes: withoutOffline(all, log), target, recordOnly: false, wasRunning };
  },

  hooks: instanceHooks('instance-start', ({ force }) => ({ env: { FORCE: force } })),

  async run(context, { node, nodes, target, recordOnly, wasRunning }, params) {
    if (!recordOnly) {
      await activateDisks(context, nodes, target.disks, {
        wasActive: wasRunning,
        secondaryOptional: params.force,
      });
      await context.call(
        'start',
        node,
        'instance.start',
        { instance: target, paused: params.startup_paused },
        wasRunning ? [] : [{ call: 'instance.stop', params: { instance: target, timeout: 0, force: true } }],
      );
    }
    const now = context.clock.seconds();
    return {
      result: null,
      changes: params.no_remember ? undefined : setAdminState(target.uuid, 'up', 'admin', now),
    };
  },
});
