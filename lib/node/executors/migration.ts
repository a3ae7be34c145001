import type { Handlers } from '../../rpc/server.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import type { Storage } from '../storage/registry.ts';

type MigrationHandlers = Pick<Handlers, 'migration.receive' | 'migration.send' | 'migration.resume'>;

/**
 * The handlers of the calls that migrate running guests. The master calls receive on the target node, send on the source node with the
 * address that receive returned, then resume on the target; if sending failed, resume on the source.
 */
export function migrationExecutors(hypervisors: Hypervisors, storage: Storage): MigrationHandlers {
  const migrationOf = ({ hypervisor }: InstanceTarget) => hypervisors.able(hypervisor, 'migration').migration;
  return {
    'migration.receive': async ({ instance }) => {
      const sources = await storage.sources(instance.disks);
      return { to: await migrationOf(instance).receive(instance, { sources }) };
    },
    'migration.send': async ({ instance, to }) => {
      await migrationOf(instance).send(instance, to);
      return {};
    },
    'migration.resume': async ({ instance }) => {
      await migrationOf(instance).resume(instance);
      return {};
    },
  };
}
