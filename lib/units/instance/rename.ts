// OP_INSTANCE_RENAME: gives an instance that is down another name, also to the folders of its files, and runs the rename script of its OS.

import { basename, dirname } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import { hostName } from '../../model/names.ts';
import { changed } from '../../model/object.ts';
import { instanceRename as opcode } from '../../opcodes/instance/rename.ts';
import { diskTarget, instanceTarget } from '../../rpc/target.ts';
import { put } from '../../store/changes.ts';
import { checkStopped } from '../checks/host.ts';
import { type Build, defineUnit } from '../define.ts';
import { inFolderOf } from '../devices/disks.ts';
import { hooksOfInstance } from '../hooks/hooks.ts';
import { activateDisks, deactivateDisks, withoutOffline } from '../steps/disk-work.ts';
import { scriptFacts, scriptParams } from '../steps/os-scripts.ts';
import { tolerant } from '../steps/tolerant.ts';

export const instanceRename = defineUnit(opcode, {
  check({ view, runtime, resolve, log }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const name = hostName(params.new_name);
    resolve({ new_name: name });
    checkStopped(runtime, instance);
    const other = view.instances.named(name);
    if (other && other.uuid !== instance.uuid)
      throw new MerapiError('already_exists', `There is an instance ${name} already`);
    const nodes = withoutOffline(diskNodesOf(view, instance), log);
    checkOnline(nodes.primary);
    const disks = view.disksOf(instance);
    const moved = disks.map((disk) => renamed(disk, instance.name, name));
    return {
      uuid: instance.uuid,
      name,
      nodes,
      disks,
      moved,
      old: instanceTarget(view, instance, disks),
      target: instanceTarget(view, { ...instance, name }, moved),
      ...scriptFacts(view, instance),
    };
  },

  hooks: (view, { uuid, name }) => {
    const instance = view.instances.get(uuid);
    const env = { INSTANCE_NEW_NAME: name };
    return instance ? hooksOfInstance(view, 'instance-rename', instance, { env }) : null;
  },

  async run(context, facts, params) {
    const { uuid, name, nodes, disks, moved, old, target } = facts;
    for (const [index, disk] of disks.entries()) {
      const [from, to] = [diskTarget(disk), diskTarget(moved[index] as Disk)];
      if (from.logical_id[1] === to.logical_id[1]) continue;
      await context.call(`disk/${index}/rename`, nodes.primary, 'disk.rename', { from, to }, [
        { call: 'disk.rename', params: { from: to, to: from } },
      ]);
    }
    const now = context.clock.seconds();
    await context.commit('name', setName(uuid, name, moved, now), setName(uuid, old.name, disks, now));
    const attempt = tolerant(context, true); // the instance is renamed, even if what follows fails
    await attempt(() => context.call('forget', nodes.primary, 'instance.forget', { instance: old }));
    if (target.os !== '') {
      await activateDisks(context, nodes, target.disks);
      context.log(`Running the rename script of OS ${target.os}`);
      const scripts = scriptParams(context.seal, facts, target, params);
      await attempt(() =>
        context.call('os/rename', nodes.primary, 'os.rename', { ...scripts, old_name: old.name }),
      );
      await deactivateDisks(context, nodes, target.disks, { isFinal: true, asDuty: true });
    }
    return { result: name };
  },
});

/** The disk with its file in the folder of the new name, if it is in a folder that is named after the instance. */
function renamed(disk: Disk, from: string, to: string): Disk {
  const isInOwnFolder = basename(dirname(String(disk.logical_id[1]))) === from;
  return isInOwnFolder ? inFolderOf(to, disk) : disk;
}

/** The change that records the name of an instance and the locations of its disks. */
function setName(uuid: string, name: string, disks: readonly Disk[], now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance) return [];
    return [
      ...disks.flatMap(({ uuid: id, logical_id }) => {
        const disk = view.disk(id);
        return disk ? [put('disk', changed(disk, { logical_id }, now))] : [];
      }),
      put('instance', changed(instance, { name }, now)),
    ];
  };
}
