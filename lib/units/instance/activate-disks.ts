// OP_INSTANCE_ACTIVATE_DISKS: activates the disks of an instance that is down, for an administrator who wants their data. That they are
// active is recorded (`disks_active`), so that other jobs leave them active.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { templates } from '../../model/templates/index.ts';
import { instanceActivateDisks as opcode } from '../../opcodes/instance/activate-disks.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import { defineUnit } from '../define.ts';
import { withoutOffline } from '../steps/disk-work.ts';
import { waitForSync } from '../steps/mirrors.ts';
import { setDisksActive } from '../steps/running.ts';

// activateDisks() in steps/disk-work.ts is not used here: the result contains the paths that the calls return.
export const instanceActivateDisks = defineUnit(opcode, {
  async check({ view, runtime, nodes: caller, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const all = diskNodesOf(view, instance);
    checkOnline(all.primary);
    const nodes = withoutOffline(all, log);
    const disks = view.disksOf(instance);
    const targets = disks.map(diskTarget);
    const found =
      targets.length > 0 ? await caller.call(nodes.primary, 'disk.status', { disks: targets }) : null;
    for (const [index, { exists, size, path }] of (found?.disks ?? []).entries()) {
      const what = `Disk ${index} of ${instance.name}`;
      if (!exists)
        throw new MerapiError(
          'execution',
          `${what} does not exist on ${nodes.primary.name} (${path}); recreate it with recreate-disks`,
        );
      const wanted = disks[index]?.size ?? 0;
      if (!params.ignore_size && size !== null && size < wanted)
        throw new MerapiError(
          'execution',
          `${what} has ${size} MiB, less than the recorded ${wanted} MiB; give ignore_size to activate it anyway`,
        );
    }
    const wasActive = isRunning(runtime, instance) || instance.disks_active === true;
    return { uuid: instance.uuid, nodes, disks, targets, wasActive };
  },

  async run(context, { uuid, nodes, disks, targets, wasActive }, params) {
    const { primary, secondary } = nodes;
    const result: [string, string, string | null][] = [];
    for (const [index, disk] of targets.entries()) {
      const undo = wasActive ? [] : [{ call: 'disk.deactivate' as const, params: { disk } }];
      if (secondary && templates[disk.dev_type].mirrored)
        await context.call(
          `disk/${index}/activate/secondary`,
          secondary,
          'disk.activate',
          { disk, primary: false },
          undo,
        );
      const { path } = await context.call(
        `disk/${index}/activate`,
        primary,
        'disk.activate',
        { disk, primary: true },
        undo,
      );
      result.push([primary.name, `disk/${index}`, path]);
    }
    if (params.wait_for_sync) await waitForSync(context, primary, disks);
    return { result, changes: setDisksActive(uuid, true, context.clock.seconds()) };
  },
});
