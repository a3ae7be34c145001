import type { Handlers } from '../../rpc/server.ts';
import type { StorageUnits } from '../storage/units.ts';

type StorageHandlers = Pick<Handlers, 'storage.list' | 'storage.modify' | 'storage.repair'>;

/** The handlers of the calls about storage units: volume groups, physical volumes and the folders of disks. */
export function storageExecutors(units: StorageUnits): StorageHandlers {
  return {
    'storage.list': async ({ type, folders }) => ({ units: await units.list(type, folders) }),
    'storage.modify': async ({ type, name, allocatable }) => {
      await units.modify(type, name, allocatable);
      return {};
    },
    'storage.repair': async ({ type, name }) => {
      await units.repair(type, name);
      return {};
    },
  };
}
