import { MerapiError } from '../../base/errors.ts';
import type { Handlers } from '../../rpc/server.ts';
import type { DiskTarget, InstanceTarget } from '../../rpc/types.ts';
import type { GuestAgents } from '../guest/agents.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import type { OsInstaller } from '../os/installer.ts';
import type { Storage } from '../storage/registry.ts';

export interface InstanceDependencies {
  hypervisors: Hypervisors;
  storage: Storage;
  installer: OsInstaller;
  agents: GuestAgents;
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

/**
 * The handlers of the calls about guests. They join hypervisor and storage: the hypervisor's driver gets each disk as an open source.
 * Disks must be active (disk.activate) before a guest is started.
 */
export function instanceExecutors(dependencies: InstanceDependencies): InstanceHandlers {
  const { hypervisors, storage, installer, agents } = dependencies;
  const ask = (instance: InstanceTarget) => ({
    ask: (signal: AbortSignal) => agents.askToShutDown(instance.uuid, signal),
  });
  return {
    'instance.check': async ({ instance }) => {
      storage.checkFor(instance.disks, hypervisors.isSimulated(instance.hypervisor));
      await hypervisors.of(instance.hypervisor).check?.(instance);
      return {};
    },
    'instance.start': async ({ instance, paused }) => {
      const sources = await storage.sources(instance.disks);
      await hypervisors.of(instance.hypervisor).start(instance, { sources, paused });
      return {};
    },
    'instance.stop': async ({ instance, timeout, force }, { signal }) => {
      await hypervisors.of(instance.hypervisor).stop(instance, { timeout, force, signal, ...ask(instance) });
      return {};
    },
    'instance.reboot': async ({ instance, kind, timeout }, { signal }) => {
      const driver = hypervisors.of(instance.hypervisor);
      if (kind === 'hard') {
        const sources = await storage.sources(instance.disks);
        await driver.check?.(instance); // a guest that could not be started again must not be stopped
        await driver.stop(instance, { timeout, force: false, signal, ...ask(instance) });
        await driver.start(instance, { sources, paused: false });
      } else await driver.reset(instance);
      return {};
    },
    'instance.resize': async ({ instance, disk }) => {
      const target = instance.disks[disk];
      if (!target) throw new MerapiError('wrong_input', `Instance ${instance.name} has no disk ${disk}`);
      const source = await storage.of(target).open(target);
      await hypervisors.of(instance.hypervisor).resize?.(instance, { disk: target, source });
      return {};
    },
    'instance.memory': async ({ instance, memory }) => {
      await hypervisors.able(instance.hypervisor, 'setMemory').setMemory(instance, memory);
      return {};
    },
    'instance.plug': async ({ instance, device: uuid }) => {
      const { disk, nic } = deviceOf(instance, uuid);
      const device = disk ? { disk, source: await storage.of(disk).open(disk) } : { nic };
      await hypervisors.able(instance.hypervisor, 'hotplug').hotplug.plug(instance, device);
      return {};
    },
    'instance.unplug': async ({ instance, device: uuid }) => {
      const { disk, nic } = deviceOf(instance, uuid);
      const device = disk ? { disk, path: (await storage.of(disk).status(disk)).path } : { nic };
      await hypervisors.able(instance.hypervisor, 'hotplug').hotplug.unplug(instance, device);
      return {};
    },
    'instance.forget': async ({ instance }) => {
      await hypervisors.of(instance.hypervisor).forget(instance);
      await installer.forget(instance);
      return {};
    },
  };
}

type Device = { disk: DiskTarget; nic?: never } | { disk?: never; nic: number };

/** The disk, or the index of the NIC, with this uuid. @throws MerapiError wrong_input when the instance has neither */
function deviceOf({ name, disks, nics }: InstanceTarget, uuid: string): Device {
  const disk = disks.find((each) => each.uuid === uuid);
  if (disk) return { disk };
  const nic = nics.findIndex((each) => each.uuid === uuid);
  if (nic >= 0) return { nic };
  throw new MerapiError('wrong_input', `Instance ${name} has no device ${uuid}`);
}
