import { MerapiError } from '../../base/errors.ts';
import { instanceReboot as opcode } from '../../opcodes/instance/reboot.ts';
import { defineUnit } from '../define.ts';
import { checkOnline, instanceNamed, primaryOf } from '../steps/find.ts';
import { checkBridges, isRunning, meantToBe } from '../steps/running.ts';
import { instanceTarget } from '../steps/target.ts';

export const instanceReboot = defineUnit(opcode, {
  async check({ view, runtime, nodes, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_uuid: instance.uuid });
    const node = primaryOf(view, instance);
    if (instance.admin_state === 'offline')
      throw new MerapiError('wrong_state', `Instance ${instance.name} is offline: it is not to be started`);
    checkOnline(node);
    const target = instanceTarget(view.cluster, instance, view.disksOf(instance));
    await checkBridges(nodes, node, target);
    const wasRunning = isRunning(runtime, instance);
    if (!wasRunning && !params.dry_run) log('The instance does not run: it is started');
    return { node, target, wasRunning };
  },

  async run(context, { node, target, wasRunning }, params) {
    const timeout = params.shutdown_timeout;
    const start = { instance: target, paused: false };
    const stop = { instance: target, timeout, force: false };
    if (wasRunning && params.reboot_type !== 'full') {
      await context.call('reboot', node, 'instance.reboot', {
        instance: target,
        kind: params.reboot_type,
        timeout,
      });
    } else {
      if (wasRunning)
        await context.call('stop', node, 'instance.stop', stop, [{ call: 'instance.start', params: start }]);
      const undo = { call: 'instance.stop' as const, params: { ...stop, timeout: 0, force: true } };
      await context.call('start', node, 'instance.start', start, wasRunning ? [] : [undo]);
    }
    return { result: null, changes: meantToBe(target.uuid, 'up', 'admin', context.clock.seconds()) };
  },
});
