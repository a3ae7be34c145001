import { errorText } from '../../../base/errors.ts';
import type { Console, GuestFacts } from '../../../rpc/types.ts';
import { consoleOf } from './display.ts';
import type { GuestRecord } from './record.ts';
import type { GuestSockets } from './sockets.ts';

/**
 * What is known of a guest, whose process has this run state, and what is wrong with it, if anything is; null when it neither
 * runs nor ended by itself.
 */
export function factsOf(
  record: GuestRecord,
  status: string,
  sockets: GuestSockets,
  trouble: string | null,
): GuestFacts | null {
  if (record.phase === 'starting' || record.phase === 'stopped') return null;
  const ended = record.phase === 'ended';
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

/** The console; where the guest's parameters are not understood, a message says so. */
function consoleOrReason(record: GuestRecord, sockets: GuestSockets): Console {
  try {
    return consoleOf(record, sockets);
  } catch (error) {
    return { instance: record.instance.name, kind: 'msg', message: errorText(error) };
  }
}
