// OP_INSTANCE_DEACTIVATE_DISKS: deactivates the disks of an instance, usually one that is down (with force any), and records that.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { instanceDeactivateDisks as opcode } from '../../opcodes/instance/deactivate-disks.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import { defineUnit } from '../define.ts';
import { deactivateDisks, withoutOffline } from '../steps/disk-work.ts';
import { setDisksActive } from '../steps/running.ts';

/** @throws MerapiError wrong_state for an instance that runs, or whose admin state is not `down` */
function checkUnused({ name, admin_state }: Instance, runs: boolean): void {
  if (runs)
    throw new MerapiError(
      'wrong_state',
      `Instance ${name} runs and uses its disks; shut it down first, or give force`,
    );
  if (admin_state !== 'down')
    throw new MerapiError(
      'wrong_state',
      `The admin state of instance ${name} is ${admin_state}, not down; change that first, or give force`,
    );
}

export const instanceDeactivateDisks = defineUnit(opcode, {
  check({ view, runtime, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const nodes = diskNodesOf(view, instance);
    checkOnline(nodes.primary);
    if (!params.force) checkUnused(instance, isRunning(runtime, instance));
    const wasActive = instance.admin_state === 'up' || instance.disks_active === true;
    const targets = view.disksOf(instance).map(diskTarget);
    return { uuid: instance.uuid, nodes: withoutOffline(nodes, log), targets, wasActive };
  },

  async run(context, { uuid, nodes, targets, wasActive }) {
    await deactivateDisks(context, nodes, targets, { isFinal: !wasActive });
    return { result: null, changes: setDisksActive(uuid, false, context.clock.seconds()) };
  },
});
