import { MerapiError } from '../../base/errors.ts';
import type { Handlers } from '../../rpc/server.ts';
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
  | 'instance.start'
  | 'instance.stop'
  | 'instance.reboot'
  | 'instance.resize'
  | 'instance.memory'
  | 'instance.forget'
>;

/** Serves the calls about guests. */
export function instanceExecutors({ hypervisors, storage, installer }: InstanceParts): InstanceHandlers {
  return {
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
    'instance.forget': async ({ instance }) => {
      await hypervisors.of(instance.hypervisor).forget(instance);
      await installer.forget(instance);
      return {};
    },
  };
}
