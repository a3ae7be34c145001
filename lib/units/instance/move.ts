// OP_INSTANCE_MOVE: moves an instance whose disks are on one node by copying them, while it is stopped. Until the new primary node is
// recorded and the instance runs there, a failure restores everything; then the old disks are removed, from which there is no return.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, checkTakes, instanceNamed, nodeNamed, primaryOf } from '../../model/find.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { onOneNode } from '../../model/templates/index.ts';
import { instanceMove as opcode } from '../../opcodes/instance/move.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import type { Compression, DiskTarget } from '../../rpc/types.ts';
import { checkHost, checkMemory } from '../checks/host.ts';
import { checkInstancePolicy } from '../checks/spec.ts';
import { defineUnit, type RunContext } from '../define.ts';
import { hooksOfInstance } from '../hooks/hooks.ts';
import { activateDisks, createDisks, deactivateDisks, removeDisks } from '../steps/disk-work.ts';
import { setPrimaryNode } from '../steps/relocation.ts';
import { logShutdownWait } from '../steps/running.ts';
import { compressionOf, sourceAt } from '../steps/streams.ts';

export const instanceMove = defineUnit(opcode, {
  async check({ view, runtime, nodes, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const to = nodeNamed(view, params.target_node);
    resolve({ target_node: to.name, target_node_uuid: to.uuid });
    const from = primaryOf(view, instance);
    const disks = view.disksOf(instance);
    const template = disks[0]?.dev_type ?? instance.disk_template;
    if (!onOneNode.includes(template))
      throw new MerapiError(
        'wrong_state',
        `Disks of the template '${template}' are not copied between nodes; migrate the instance or fail it over`,
      );
    if (to.uuid === from.uuid)
      throw new MerapiError('wrong_state', `Instance ${instance.name} is on node ${to.name} already`);
    const compress = compressionOf(view.cluster, params.compress);
    checkOnline(from);
    checkTakes(to);
    checkInstancePolicy(view, to, instance, params.ignore_ipolicy ? log : undefined);
    const target = instanceTarget(view, instance, disks);
    if (instance.admin_state === 'up') checkMemory(runtime, to, target.beparams.maxmem);
    await checkHost(nodes, to, target);
    const wasRunning = isRunning(runtime, instance);
    return { target, from, to, compress, wasRunning, isMeantToRun: instance.admin_state === 'up' };
  },

  hooks: (view, { target, from, to }, { shutdown_timeout }) => {
    const instance = view.instances.get(target.uuid);
    if (!instance) return null;
    const env = { TARGET_NODE: to.name, SHUTDOWN_TIMEOUT: shutdown_timeout };
    return hooksOfInstance(view, 'instance-move', instance, { env, pre: [from.uuid, to.uuid] });
  },

  async run(context, { target, from, to, compress, wasRunning, isMeantToRun }, params) {
    const { uuid, disks } = target;
    context.log(`Stopping the instance on ${from.name}`);
    logShutdownWait(context.log, wasRunning, params.shutdown_timeout);
    const stopping = { instance: target, timeout: params.shutdown_timeout, force: false };
    const undo = wasRunning
      ? [{ call: 'instance.start' as const, params: { instance: target, paused: false } }]
      : [];
    if (params.ignore_consistency) await context.attempt('stop', from, 'instance.stop', stopping, { undo });
    else await context.call('stop', from, 'instance.stop', stopping, undo);
    const onOld: DiskNodes = { primary: from, secondary: null };
    const onNew: DiskNodes = { primary: to, secondary: null };
    await activateDisks(context, onOld, disks, { prefix: 'old', wasActive: wasRunning });
    await createDisks(context, onNew, disks, 'new');
    await activateDisks(context, onNew, disks, { prefix: 'new' });
    for (const [index, disk] of disks.entries()) {
      context.log(`Copying disk ${index} (${disk.size} MiB) from ${from.name} to ${to.name}`);
      await copyDisk(context, `disk/${index}`, disk, { from, to, compress });
    }
    const now = context.clock.seconds();
    await context.commit('primary', setPrimaryNode(uuid, to.uuid, now), setPrimaryNode(uuid, from.uuid, now));
    if (isMeantToRun) {
      context.log(`Starting the instance on ${to.name}`);
      await context.call('start', to, 'instance.start', { instance: target, paused: false }, [
        { call: 'instance.stop', params: { instance: target, timeout: 0, force: true } },
        { call: 'instance.forget', params: { instance: target } },
      ]);
    } else await deactivateDisks(context, onNew, disks, { prefix: 'new', isFinal: true, asDuty: true });
    await removeDisks(context, onOld, disks, { prefix: 'old' });
    await context.attempt('forget', from, 'instance.forget', { instance: target });
    return { result: null };
  },
});

/** Copies the data of a disk to the same disk on another node. */
async function copyDisk(
  context: RunContext,
  name: string,
  disk: DiskTarget,
  { from, to, compress }: { from: Node; to: Node; compress: Compression },
): Promise<void> {
  const place = await context.call(`${name}/offer`, from, 'disk.offer', { disk, to: to.name, compress });
  const source = sourceAt(from, place, disk.uuid, compress);
  await context.call(`${name}/fetch`, to, 'disk.fetch', { disk, from: source });
}
