// OP_INSTANCE_REINSTALL: runs the create script of an OS on the disks of an instance that is down. The old data is lost; so foresee refuses
// an impossible reinstallation before the shutdown that usually comes before it in the job.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import { instanceReinstall as opcode } from '../../opcodes/instance/reinstall.ts';
import { instanceTarget } from '../../rpc/target.ts';
import { put } from '../../store/changes.ts';
import { checkStopped } from '../checks/host.ts';
import { checkOs, openPrivate, sealedParams } from '../checks/os.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { activateDisks, deactivateDisks, withoutOffline } from '../steps/disk-work.ts';
import { scriptFacts, scriptParams } from '../steps/os-scripts.ts';

export const instanceReinstall = defineUnit(opcode, {
  version: 2, // 1: what changes of the instance was no fact
  async check({ view, runtime, nodes, seal, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    checkStopped(runtime, instance);
    const disks = withoutOffline(diskNodesOf(view, instance), log);
    checkOnline(disks.primary);
    checkDisks(instance);
    const empty = (['osparams', 'osparams_private', 'osparams_secret'] as const).filter(
      (name) => !params[name],
    );
    resolve(Object.fromEntries(empty.map((name) => [name, {}])));
    const patch = await checkSystem({ view, nodes, seal }, params, instance, disks.primary);
    const after = { ...instance, ...patch };
    return {
      uuid: instance.uuid,
      target: instanceTarget(view, after, view.disksOf(instance)),
      disks,
      patch,
      ...scriptFacts(view, after),
      wasActive: instance.disks_active === true,
    };
  },

  async foresee({ view, nodes, seal }, params, before) {
    const instance = view.instances.named(params.instance_name);
    const node = instance && view.nodes.get(instance.primary_node);
    // Any opcode but a shutdown may change what is installed, or where, so nothing can be said before it has run.
    const isPredictable = before.every(({ OP_ID }) => OP_ID === 'OP_INSTANCE_SHUTDOWN');
    if (!isPredictable || !node || node.offline) return;
    checkDisks(instance);
    await checkSystem({ view, nodes, seal }, params, instance, node);
  },

  hooks: instanceHooks('instance-reinstall'),

  async run(context, facts, params) {
    const { uuid, target, disks, wasActive, patch } = facts;
    await activateDisks(context, disks, target.disks, { wasActive });
    context.log(`Running the create script of OS ${target.os}`);
    const scripts = scriptParams(context.seal, facts, target, params, params.osparams_secret ?? {});
    await context.call('os/create', disks.primary, 'os.create', { ...scripts, reinstall: true });
    if (!wasActive) await deactivateDisks(context, disks, target.disks, { isFinal: true });
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const instance = view.instances.get(uuid);
        const isChanged = [params.os_type, params.osparams, params.osparams_private].some((value) => value);
        return instance && isChanged ? [put('instance', changed(instance, patch, now))] : [];
      },
    };
  },
});

/** @throws MerapiError wrong_input when the instance has no disks */
function checkDisks({ name, disks }: Instance): void {
  if (disks.length === 0)
    throw new MerapiError('wrong_input', `Instance ${name} has no disks, so nothing can be installed`);
}

/**
 * Checks the OS to install, and returns what of it is recorded with the instance. OS parameters of the request replace all those of the
 * instance; secret ones are used only for this installation. @throws MerapiError as checkOs()
 */
async function checkSystem(
  { view, nodes, seal }: Pick<CheckContext, 'view' | 'nodes' | 'seal'>,
  params: ValuesOf<typeof opcode>,
  instance: Instance,
  node: Node,
): Promise<Pick<Instance, 'os' | 'osparams' | 'osparams_private'>> {
  const os = params.os_type ?? instance.os;
  const osparams = params.osparams ?? instance.osparams;
  const osparams_private = params.osparams_private
    ? sealedParams(seal, params.osparams_private)
    : instance.osparams_private;
  const hidden = { ...openPrivate(seal, osparams_private), ...params.osparams_secret };
  await checkOs(view, nodes, node, os, {
    forceVariant: params.force_variant,
    params: { ...osparams, ...hidden },
  });
  return { os, osparams, osparams_private };
}
