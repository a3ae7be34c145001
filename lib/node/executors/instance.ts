import { MerapiError } from '../../base/errors.ts';
import type { Handlers } from '../../rpc/server.ts';
import type { DiskTarget, InstanceTarget } from '../../rpc/types.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import type { OsInstaller } from '../os/installer.ts';
import type { Storage } from '../storage/registry.ts';

export interface InstanceParts {
  hypervisors: Hypervisors;
  storage: Storage;
  installer: OsInstaller;
}

type InstanceHandlers = Pick<
  Handlers,
  | 'instance.check'
  | 'instance.start'
  | 'instance.stop'
  | 'instance.reboot'
  | 'instance.resize'
  | 'instance.memory'
  | 'instance.plug'
  | 'instance.unplug'
  | 'instance.forget'
>;

/** Serves the calls about guests. */
export function instanceExecutors({ hypervisors, storage, installer }: InstanceParts): InstanceHandlers {
  return {
    'instance.check': async ({ instance }) => {
      await hypervisors.of(instance.hypervisor).check(instance);
      return {};
    },
    'instance.start': async ({ instance, paused }) => {
      const diskPaths = await storage.paths(instance.disks);
      await hypervisors.of(instance.hypervisor).start(instance, { diskPaths, paused });
      return {};
    },
    'instance.stop': async ({ instance, timeout, force }) => {
      await hypervisors.of(instance.hypervisor).stop(instance, { timeout, force });
      return {};
    },
    'instance.reboot': async ({ instance, kind, timeout }) => {
      const driver = hypervisors.of(instance.hypervisor);
      if (kind === 'hard') {
        const diskPaths = await storage.paths(instance.disks);
        await driver.check(instance); // what could not be started again is not stopped
        await driver.stop(instance, { timeout, force: false });
        await driver.start(instance, { diskPaths, paused: false });
      } else await driver.reset(instance);
      return {};
    },
    'instance.resize': async ({ instance, disk }) => {
      const target = instance.disks[disk];
      if (!target) throw new MerapiError('wrong_input', `Instance ${instance.name} has no disk ${disk}`);
      const [path = ''] = await storage.paths([target]);
      await hypervisors.of(instance.hypervisor).resize(instance, { path, size: target.size });
      return {};
    },
    'instance.memory': async ({ instance, memory }) => {
      await hypervisors.of(instance.hypervisor).setMemory(instance, memory);
      return {};
    },
    'instance.plug': async ({ instance, device: uuid }) => {
      const { disk, nic } = deviceOf(instance, uuid);
      const [path = ''] = disk ? await storage.paths([disk]) : [];
      await hypervisors.of(instance.hypervisor).plug(instance, disk ? { disk, path } : { nic });
      return {};
    },
    'instance.unplug': async ({ instance, device: uuid }) => {
      const { disk, nic } = deviceOf(instance, uuid);
      const { path = null } = disk ? await storage.of(disk).status(disk) : {};
      await hypervisors.of(instance.hypervisor).unplug(instance, disk ? { disk, path: path ?? '' } : { nic });
      return {};
    },
    'instance.forget': async ({ instance }) => {
      await hypervisors.of(instance.hypervisor).forget(instance);
      await installer.forget(instance);
      return {};
    },
  };
}

type Found = { disk: DiskTarget; nic?: never } | { disk?: never; nic: number };

/** The disk, or the number of the NIC. @throws MerapiError wrong_input */
function deviceOf({ name, disks, nics }: InstanceTarget, uuid: string): Found {
  const disk = disks.find((each) => each.uuid === uuid);
  if (disk) return { disk };
  const nic = nics.findIndex((each) => each.uuid === uuid);
  if (nic >= 0) return { nic };
  throw new MerapiError('wrong_input', `Instance ${name} has no device ${uuid}`);
}
