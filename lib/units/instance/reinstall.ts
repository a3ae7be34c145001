import { changed } from '../../model/object.ts';
import { instanceReinstall as opcode } from '../../opcodes/instance/reinstall.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { activateDisks, deactivateDisks, diskNodesOf, withoutOffline } from '../steps/disk-work.ts';
import { checkOnline, instanceNamed } from '../steps/find.ts';
import { instanceHooks } from '../steps/hooks.ts';
import { checkOs, hiddenOsParamTexts, openPrivate, osParamTexts } from '../steps/os.ts';
import { checkStopped } from '../steps/running.ts';
import { instanceTarget } from '../steps/target.ts';

export const instanceReinstall = defineUnit(opcode, {
  async check({ view, runtime, nodes, seal, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_uuid: instance.uuid });
    const empty = (['osparams', 'osparams_private', 'osparams_secret'] as const).filter(
      (name) => !params[name],
    );
    resolve(Object.fromEntries(empty.map((name) => [name, {}])));
    checkStopped(runtime, instance);
    const disks = withoutOffline(diskNodesOf(view, instance));
    checkOnline(disks.primary);
    const os = params.os_type ?? instance.os;
    const own = { ...instance.osparams, ...params.osparams };
    const hidden = {
      ...openPrivate(seal, instance.osparams_private),
      ...params.osparams_private,
      ...params.osparams_secret,
    };
    await checkOs(view, nodes, disks.primary, os, {
      forceVariant: params.force_variant,
      params: { ...own, ...hidden },
    });
    const { os_search_path: search_path, osparams_private: sealed } = view.cluster;
    return {
      uuid: instance.uuid,
      target: instanceTarget(view, { ...instance, os }, view.disksOf(instance)),
      disks,
      osparams: osParamTexts(view, os, own),
      sealed: { cluster: sealed, instance: instance.osparams_private },
      search_path,
      wasActive: instance.disks_active === true,
    };
  },

  hooks: instanceHooks('instance-reinstall'),

  async run(context, { uuid, target, disks, osparams, sealed, search_path, wasActive }, params) {
    await activateDisks(context, disks, target.disks, { wasActive });
    context.log(`Running the create script of OS ${target.os}`);
    const hidden = hiddenOsParamTexts(context.seal, sealed.cluster, target.os, {
      ...openPrivate(context.seal, sealed.instance),
      ...params.osparams_private,
      ...params.osparams_secret,
    });
    await context.call('os/create', disks.primary, 'os.create', {
      instance: target,
      search_path,
      osparams: { ...osparams, ...hidden },
      reinstall: true,
      debug: params.debug_level ?? 0,
    });
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
