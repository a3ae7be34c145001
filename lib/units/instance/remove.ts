import { errorText, MerapiError } from '../../base/errors.ts';
import { instanceRemove as opcode } from '../../opcodes/instance/remove.ts';
import { remove } from '../../store/changes.ts';
import { defineUnit, type RunContext } from '../define.ts';
import { checkOnline, instanceNamed, primaryOf } from '../steps/find.ts';
import { isRunning } from '../steps/running.ts';
import { instanceTarget } from '../steps/target.ts';

export const instanceRemove = defineUnit(opcode, {
  check({ view, runtime, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_uuid: instance.uuid });
    const node = primaryOf(view, instance);
    if (!params.ignore_failures) checkOnline(node);
    const target = instanceTarget(view.cluster, instance, view.disksOf(instance));
    return { node, target, wasRunning: isRunning(runtime, instance) };
  },

  async run(context, { node, target, wasRunning }, params) {
    const attempt = tolerant(context, params.ignore_failures);
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
    for (const [index, disk] of target.disks.entries())
      await attempt(() => context.call(`disk/${index}/remove`, node, 'disk.remove', { disk }));
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

/** Runs steps whose failures are only told in the log when that is wanted. */
function tolerant(context: RunContext, ignore: boolean): (step: () => Promise<unknown>) => Promise<void> {
  return async (step) => {
    try {
      await step();
    } catch (error) {
      // Anything else means that the job stops where it stands.
      if (!ignore || !(error instanceof MerapiError)) throw error;
      context.log(`Ignored: ${errorText(error)}`);
    }
  };
}
