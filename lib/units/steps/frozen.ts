// Copies of the disks of a running guest, made while its file systems are frozen, if its agent can do that.
import { MerapiError } from '../../base/errors.ts';
import type { Node } from '../../model/node.ts';
import type { GuestRef } from '../../rpc/types.ts';
import type { RunContext } from '../define.ts';

/** Milliseconds after which the node thaws the guest, whatever is not copied by then: a frozen guest hangs. */
const LONGEST_FREEZE = 120_000;

/**
 * Does work, in steps, while the file systems of a guest are frozen. The work is done in any case: without an agent, or when it refuses
 * or takes too long, the log says that the copies are as after a power failure.
 * @param freeze the running guest whose agent can be asked, and a uuid of this freeze; null for none
 */
export async function whileFrozen(
  context: RunContext,
  node: Node,
  freeze: { guest: GuestRef; id: string } | null,
  work: () => Promise<void>,
): Promise<void> {
  if (freeze === null) return work();
  const { guest, id } = freeze;
  const undo = [{ call: 'guest.thaw' as const, params: { guest, id } }];
  const isFrozen = await attempt(context, 'The file systems of the guest cannot be frozen', async () => {
    const { count } = await context.call(
      'freeze',
      node,
      'guest.freeze',
      { guest, id, mountpoints: null, ttl: LONGEST_FREEZE },
      undo,
    );
    context.log(`The guest has frozen its file systems: ${count}`);
  });
  await work();
  if (!isFrozen) return;
  const isThawed = await attempt(context, 'The guest does not thaw; its node tries again', async () => {
    const { held } = await context.call('thaw', node, 'guest.thaw', { guest, id });
    if (!held) context.log('The guest was thawed before the end: the copies are as after a power failure');
  });
  if (isThawed) context.log('The guest has thawed its file systems');
}

/** Whether a step succeeded; its failure is logged. */
async function attempt(context: RunContext, what: string, step: () => Promise<void>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (!(error instanceof MerapiError)) throw error;
    context.log(`${what}: ${error.message}`);
    return false;
  }
}
