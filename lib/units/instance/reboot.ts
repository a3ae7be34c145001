// OP_INSTANCE_REBOOT: restarts an instance: soft within its process, hard by ending and starting its process, full by a shutdown and a
// start from scratch. An instance that does not run is started.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { instanceReboot as opcode } from '../../opcodes/instance/reboot.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import { checkHost } from '../checks/host.ts';
import { defineUnit } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { activateDisks, withoutOffline } from '../steps/disk-work.ts';
import { logShutdownWait, setAdminState } from '../steps/running.ts';

export const instanceReboot = defineUnit(opcode, {
  async check({ view, runtime, nodes, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const all = diskNodesOf(view, instance);
    const node = all.primary;
    if (instance.admin_state === 'offline')
      throw new MerapiError('wrong_state', `Instance ${instance.name} is offline, so it must not be started`);
    checkOnline(node);
    const target = instanceTarget(view, instance, view.disksOf(instance));
    await checkHost(nodes, node, target);
    const wasRunning = isRunning(runtime, instance);
    if (!wasRunning && !params.dry_run) log('The instance does not run; it is started');
    return { node, nodes: withoutOffline(all, log), target, wasRunning };
  },

  hooks: instanceHooks('instance-reboot', ({ ignore_secondaries, reboot_type, shutdown_timeout }) => ({
    env: {
      IGNORE_SECONDARIES: ignore_secondaries,
      REBOOT_TYPE: reboot_type,
      SHUTDOWN_TIMEOUT: shutdown_timeout,
    },
  })),

  async run(context, { node, nodes, target, wasRunning }, params) {
    const timeout = params.shutdown_timeout;
    const start = { instance: target, paused: false };
    const stop = { instance: target, timeout, force: false };
    if (params.reboot_type !== 'soft') logShutdownWait(context.log, wasRunning, timeout);
    if (wasRunning && params.reboot_type !== 'full') {
      await context.call('reboot', node, 'instance.reboot', {
        instance: target,
        kind: params.reboot_type,
        timeout,
      });
    } else {
      if (wasRunning)
        await context.call('stop', node, 'instance.stop', stop, [{ call: 'instance.start', params: start }]);
      const secondaryOptional = params.ignore_secondaries;
      await activateDisks(context, nodes, target.disks, { wasActive: wasRunning, secondaryOptional });
      const undo = { call: 'instance.stop' as const, params: { ...stop, timeout: 0, force: true } };
      await context.call('start', node, 'instance.start', start, wasRunning ? [] : [undo]);
    }
    return { result: null, changes: setAdminState(target.uuid, 'up', 'admin', context.clock.seconds()) };
  },
});
