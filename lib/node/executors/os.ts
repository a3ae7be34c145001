import { MerapiError } from '../../base/errors.ts';
import type { TlsSource } from '../../base/tls.ts';
import type { Handlers } from '../../rpc/server.ts';
import { readStream } from '../../rpc/streams.ts';
import type { GuestFacts } from '../../rpc/types.ts';
import type { Dumps } from '../backup/dumps.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import { listDefinitions } from '../os/definitions.ts';
import type { OsInstaller } from '../os/installer.ts';

type OsHandlers = Pick<Handlers, 'os.list' | 'os.create' | 'os.rename' | 'os.import'>;

/** The handlers of the calls that run scripts of OS definitions. */
export function osExecutors(
  installer: OsInstaller,
  hypervisors: Hypervisors,
  dumps: Dumps,
  tls: TlsSource,
): OsHandlers {
  return {
    'os.list': async ({ search_path }) => ({ definitions: await listDefinitions(search_path) }),
    'os.rename': async (params, { signal }) => {
      await installer.rename(params, signal);
      return {};
    },
    'os.import': async ({ disk, from, ...params }, { signal, tell }) => {
      await readStream(from, tls, { signal, tell, total: null }, (data) =>
        dumps.restore(params, disk, data, signal),
      );
      return {};
    },
    'os.create': async (params, { signal }) => {
      const { name, uuid, hypervisor } = params.instance;
      // The uuid of a guest whose record is damaged may be unknown, so such a guest is compared by name.
      const isGuest = (guest: GuestFacts) =>
        guest.uuid === uuid || (guest.trouble !== undefined && guest.name === name);
      const guest = hypervisors.of(hypervisor).guests().find(isGuest);
      if (guest && guest.state !== 'stopped')
        throw new MerapiError('wrong_state', `Instance ${name} runs; stop it before its disks are written`);
      await installer.create(params, signal);
      return {};
    },
  };
}
