import type { ParamValues } from '../../model/enforce.ts';
import type { Instance } from '../../model/instance.ts';
import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import { instanceReinstall as opcode } from '../../opcodes/instance/reinstall.ts';
import { put } from '../../store/changes.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { activateDisks, deactivateDisks, diskNodesOf, withoutOffline } from '../steps/disk-work.ts';
import { checkOnline, instanceNamed } from '../steps/find.ts';
import { instanceHooks } from '../steps/hooks.ts';
import { checkOs, openPrivate } from '../steps/os.ts';
import { scriptFacts, scriptParams } from '../steps/os-scripts.ts';
import { checkStopped } from '../steps/running.ts';
import { instanceTarget } from '../steps/target.ts';

export const instanceReinstall = defineUnit(opcode, {
  async check({ view, runtime, nodes, seal, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const empty = (['osparams', 'osparams_private', 'osparams_secret'] as const).filter(
      (name) => !params[name],
    );
    resolve(Object.fromEntries(empty.map((name) => [name, {}])));
    checkStopped(runtime, instance);
    const disks = withoutOffline(diskNodesOf(view, instance));
    checkOnline(disks.primary);
    const { os, own } = await checkSystem({ view, nodes, seal }, params, instance, disks.primary);
    return {
      uuid: instance.uuid,
      target: instanceTarget(view, { ...instance, os }, view.disksOf(instance)),
      disks,
      ...scriptFacts(view, { ...instance, os, osparams: own }),
      wasActive: instance.disks_active === true,
    };
  },

  async foresee({ view, nodes, seal }, params, before) {
    const instance = view.instances.named(params.instance_name);
    const node = instance && view.nodes.get(instance.primary_node);
    // Any other opcode may change what is to be installed, or where.
    const isSure = before.every(({ OP_ID }) => OP_ID === 'OP_INSTANCE_SHUTDOWN');
    if (isSure && node && !node.offline) await checkSystem({ view, nodes, seal }, params, instance, node);
  },

  hooks: instanceHooks('instance-reinstall'),

  async run(context, facts, params) {
    const { uuid, target, disks, wasActive } = facts;
    await activateDisks(context, disks, target.disks, { wasActive });
    context.log(`Running the create script of OS ${target.os}`);
    const hidden = { ...params.osparams_private, ...params.osparams_secret };
    const scripts = scriptParams(context.seal, facts, target, params, hidden);
    await context.call('os/create', disks.primary, 'os.create', { ...scripts, reinstall: true });
    if (!wasActive) await deactivateDisks(context, disks, target.disks, { isFinal: true });
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const instance = view.instances.get(uuid);
        if (!instance || instance.os === target.os) return [];
        return [put('instance', changed(instance, { os: target.os }, now))];
      },
    };
  },
});

/** What is to be installed, with the parameters that are no secret. @throws MerapiError as checkOs() */
async function checkSystem(
  { view, nodes, seal }: Pick<CheckContext, 'view' | 'nodes' | 'seal'>,
  params: ValuesOf<typeof opcode>,
  instance: Instance,
  node: Node,
): Promise<{ os: string; own: ParamValues }> {
  const os = params.os_type ?? instance.os;
  const own = { ...instance.osparams, ...params.osparams };
  const hidden = {
    ...openPrivate(seal, instance.osparams_private),
    ...params.osparams_private,
    ...params.osparams_secret,
  };
  await checkOs(view, nodes, node, os, {
    forceVariant: params.force_variant,
    params: { ...own, ...hidden },
  });
  return { os, own };
}
