import { errorText } from '../../../base/errors.ts';
import type { Console, GuestFacts } from '../../../rpc/types.ts';
import { consoleOf } from './display.ts';
import type { GuestRecord } from './record.ts';
import type { GuestSockets } from './sockets.ts';

/**
 * The facts of a guest for the master; null for a guest in phase starting or stopped, which does not count as existing.
 * @param status the run state of its process, in QEMU's words
 * @param trouble what is wrong with the guest, for people; null when nothing is
 */
export function factsOf(
  record: GuestRecord,
  status: string,
  sockets: GuestSockets,
  trouble: string | null,
): GuestFacts | null {
  if (record.phase === 'starting' || record.phase === 'stopped') return null;
  const ended = record.phase === 'ended';
  // A guest that has shut down counts as running until its process is gone and its end is recorded.
  const up = ['running', 'shutdown'].includes(status) ? 'running' : 'paused';
  const { name, uuid, beparams } = record.instance;
  return {
    name,
    uuid,
    hypervisor: 'kvm',
    state: ended ? 'stopped' : up,
    memory: record.memory ?? beparams.maxmem,
    vcpus: beparams.vcpus,
    by_user: ended && record.by_user,
    console: consoleOrReason(record, sockets),
    ...(trouble === null ? {} : { trouble }),
  };
}

/** The console of a guest; if its parameters are not supported (any more), the reason as a message. */
function consoleOrReason(record: GuestRecord, sockets: GuestSockets): Console {
  try {
    return consoleOf(record, sockets);
  } catch (error) {
    return { instance: record.instance.name, kind: 'msg', message: errorText(error) };
  }
}
