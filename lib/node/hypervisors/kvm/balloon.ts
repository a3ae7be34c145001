import { setTimeout as sleep } from 'node:timers/promises';
import { MerapiError } from '../../../base/errors.ts';
import type { Monitor } from './qmp.ts';

const MIB = 1024 * 1024;

/** The guest's present memory in MiB. */
const memoryOf = async (monitor: Monitor) => Math.ceil((await monitor.execute('query-balloon')).actual / MIB);

/**
 * Sets the memory of a guest (MiB) through its balloon driver and waits at most `limit` ms until the guest has adjusted. If it does not,
 * the old amount is requested again.
 * @throws MerapiError hypervisor when the guest does not adjust in time
 */
export async function setMemory(monitor: Monitor, memory: number, limit: number): Promise<void> {
  const before = await memoryOf(monitor);
  if (before === memory) return;
  await monitor.execute('balloon', { value: memory * MIB });
  const end = performance.now() + limit;
  let now = before;
  for (let pause = 20; performance.now() < end; pause = Math.min(pause * 1.5, 250)) {
    await sleep(pause);
    now = await memoryOf(monitor);
    if (now === memory) return;
  }
  await monitor.execute('balloon', { value: before * MIB });
  throw new MerapiError(
    'hypervisor',
    `The guest still has ${now} MiB of memory ${limit / 1000} s after it was asked to have ${memory}; it may have no balloon driver, or need the memory`,
  );
}
