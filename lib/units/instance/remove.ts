import { instanceRemove as opcode } from '../../opcodes/instance/remove.ts';
import { remove } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { diskNodesOf, removeDisks } from '../steps/disk-work.ts';
import { checkOnline, instanceNamed } from '../steps/find.ts';
import { instanceHooks, placesOf } from '../steps/hooks.ts';
import { isRunning, tellShutdown } from '../steps/running.ts';
import { instanceTarget } from '../steps/target.ts';
import { tolerant } from '../steps/tolerant.ts';

export const instanceRemove = defineUnit(opcode, {
  check({ view, runtime, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const nodes = diskNodesOf(view, instance);
    if (!params.ignore_failures) for (const node of Object.values(nodes)) if (node) checkOnline(node);
    const target = instanceTarget(view, instance, view.disksOf(instance));
    return { nodes, target, wasRunning: isRunning(runtime, instance) };
  },

  hooks: instanceHooks('instance-remove', ({ shutdown_timeout }, view, instance) => ({
    env: { SHUTDOWN_TIMEOUT: shutdown_timeout },
    pre: [],
    post: placesOf(view, instance),
  })),

  async run(context, { nodes, target, wasRunning }, params) {
    const node = nodes.primary;
    const attempt = tolerant(context, params.ignore_failures);
    tellShutdown(context.log, wasRunning, params.shutdown_timeout);
    await attempt(() =>
      context.call(
        'stop',
        node,
        'instance.stop',
        { instance: target, timeout: params.shutdown_timeout, force: false },
        // As long as all disks are there the instance can be given back as it was.
        wasRunning ? [{ call: 'instance.start', params: { instance: target, paused: false } }] : [],
      ),
    );
    await removeDisks(context, nodes, target.disks, attempt);
    await attempt(() => context.call('forget', node, 'instance.forget', { instance: target }));
    return {
      result: null,
      changes: () => [
        ...target.disks.map((disk) => remove('disk', disk.uuid)),
        remove('instance', target.uuid),
      ],
    };
  },
});
