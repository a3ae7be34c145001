// OP_INSTANCE_GROW_DISK: grows a disk on all its nodes, by an amount or, with absolute, to a size. The guest learns of it if it runs.

import { MerapiError } from '../../base/errors.ts';
import { parseSize } from '../../model/enforce.ts';
import { checkOnline, diskNumbered, instanceNamed } from '../../model/find.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { changed } from '../../model/object.ts';
import { templates } from '../../model/templates/index.ts';
import { instanceGrowDisk as opcode } from '../../opcodes/instance/grow-disk.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget, instanceTarget } from '../../rpc/target.ts';
import { put } from '../../store/changes.ts';
import { checkDiskPolicy } from '../checks/spec.ts';
import { defineUnit } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { waitForSync } from '../steps/mirrors.ts';
import { tolerant } from '../steps/tolerant.ts';

export const instanceGrowDisk = defineUnit(opcode, {
  check({ view, runtime, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const disks = view.disksOf(instance);
    const disk = diskNumbered(view, instance, params.disk);
    if (templates[disk.dev_type].foreign)
      throw new MerapiError(
        'wrong_input',
        `Disks of the template ${disk.dev_type} cannot grow: they are adopted`,
      );
    const amount = parseSize(params.amount);
    const size = params.absolute ? amount : disk.size + amount;
    if (size < disk.size)
      throw new MerapiError(
        'wrong_state',
        `Disk ${params.disk} has ${disk.size} MiB, more than ${size}: disks can only grow`,
      );
    const nodes = diskNodesOf(view, instance);
    for (const node of Object.values(nodes)) if (node) checkOnline(node);
    const grown = disks.map((each) => (each === disk ? { ...disk, size } : each));
    if (!params.ignore_ipolicy) checkDiskPolicy(view, nodes.primary, instance, grown);
    const target = instanceTarget(view, instance, grown);
    return { disk, size, nodes, target, isRunning: isRunning(runtime, instance) };
  },

  hooks: instanceHooks('disk-grow', ({ disk, amount, absolute }) => ({
    env: { DISK: disk, AMOUNT: amount, ABSOLUTE: absolute },
  })),

  /** A disk cannot shrink, so there is no undo. The data grows first, so that the recorded size is never more than there is. */
  async run(context, { disk, size, nodes, target, isRunning }, params) {
    const { primary, secondary } = nodes;
    if (size === disk.size) {
      context.log(`The disk has ${size} MiB already`);
      return { result: null };
    }
    context.log(`Growing disk ${params.disk} from ${disk.size} to ${size} MiB`);
    const growth = { disk: diskTarget(disk), size };
    if (secondary) await context.call('grow/secondary', secondary, 'disk.grow', growth);
    await context.call('grow', primary, 'disk.grow', growth);
    if (isRunning) {
      // A guest that does not see the new size now sees it at its next start.
      const attempt = tolerant(context, true);
      await attempt(() =>
        context.call('tell', primary, 'instance.resize', { instance: target, disk: params.disk }),
      );
    }
    if (isRunning && params.wait_for_sync) await waitForSync(context, primary, [{ ...disk, size }]);
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const [current, instance] = [view.disk(disk.uuid), view.instances.get(target.uuid)];
        if (!current || !instance) return [];
        return [put('disk', changed(current, { size }, now)), put('instance', changed(instance, {}, now))];
      },
    };
  },
});
