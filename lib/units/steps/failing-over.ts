// Failover: stops an instance on its primary node and starts it on another one. The guest's memory is lost, its disks are not.
// Order of the steps: stop the guest on the old node, deactivate its disks there, record the new primary node, activate the disks
// and start the guest on the new node, forget the guest on the old node. While the old node cannot be reached, what is to be done
// there becomes a duty. Also used by a migration that has to become a failover.

import { MerapiError } from '../../base/errors.ts';
import { templates } from '../../model/templates/index.ts';
import { checkMemory } from '../checks/host.ts';
import type { CheckContext, RunContext } from '../define.ts';
import { activateDisks, deactivateDisks } from './disk-work.ts';
import { type Move, setPrimaryNode } from './relocation.ts';
import { logShutdownWait } from './running.ts';

/** The options of a failover. */
export interface FailoverOptions {
  /** Seconds that the guest has to shut down. */
  shutdown_timeout: number;
  /** The old node need not answer, and the new one need not have current data. */
  ignore_consistency: boolean;
}

/**
 * Checks that the instance can be started on the new node and that its data there is current.
 * @throws MerapiError insufficient_resources, environment_error (checkMemory), execution
 */
export async function checkFailover(
  { runtime, nodes }: CheckContext,
  { target, to, instance }: Move,
  { ignore_consistency }: FailoverOptions,
): Promise<void> {
  if (instance.admin_state === 'up') checkMemory(runtime, to, target.beparams.minmem);
  const mirrored = target.disks.filter((disk) => templates[disk.dev_type].mirrored);
  if (mirrored.length === 0 || ignore_consistency) return;
  const { disks } = await nodes.call(to, 'disk.status', { disks: mirrored });
  const stale = mirrored.filter((_, index) => disks[index]?.mirror?.current !== true);
  if (stale.length > 0)
    throw new MerapiError(
      'execution',
      `Node ${to.name} does not have the current data of disk ${stale.map(({ uuid }) => uuid).join(', ')}; wait for the synchronisation, or give ignore_consistency`,
    );
}

/** Stops an instance on its node and, if its admin state is `up`, starts it on another one. */
export async function failOver(context: RunContext, move: Move, options: FailoverOptions): Promise<void> {
  const { instance, target, from, to, isRunning } = move;
  const isOldOffline = from.offline;
  const asDuty = isOldOffline || options.ignore_consistency;
  if (isOldOffline)
    context.log(
      `Node ${from.name} is offline: if the instance still runs there, it is stopped when the node answers again`,
    );
  else {
    context.log(`Stopping the instance on ${from.name}`);
    logShutdownWait(context.log, isRunning, options.shutdown_timeout);
  }
  const stopping = { instance: target, timeout: options.shutdown_timeout, force: false };
  const undo = isRunning
    ? [{ call: 'instance.start' as const, params: { instance: target, paused: false } }]
    : [];
  if (asDuty)
    await context.attempt('stop', from, 'instance.stop', stopping, { undo: isOldOffline ? [] : undo });
  else
    await context.call('stop', from, 'instance.stop', stopping, undo).catch((error: unknown) => {
      throw withRemedy(error);
    });
  await deactivateDisks(context, { primary: from, secondary: null }, target.disks, {
    asDuty,
    isFinal: isOldOffline || !isRunning,
  });
  const now = context.clock.seconds();
  await context.commit(
    'primary',
    setPrimaryNode(instance.uuid, to.uuid, now),
    setPrimaryNode(instance.uuid, from.uuid, now),
  );
  if (instance.admin_state === 'up') {
    const nodes = { primary: to, secondary: isOldOffline ? null : from };
    await activateDisks(context, nodes, target.disks, { prefix: 'moved' });
    context.log(`Starting the instance on ${to.name}`);
    await context.call('start', to, 'instance.start', { instance: target, paused: false }, [
      { call: 'instance.stop', params: { instance: target, timeout: 0, force: true } },
      { call: 'instance.forget', params: { instance: target } },
    ]);
  }
  await context.attempt('forget', from, 'instance.forget', { instance: target });
}

/** Adds what can be done when the old node does not answer: it is not known then whether the guest still runs there. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof MerapiError) || error.code !== 'node_unreachable') return error;
  const remedy =
    'whether the instance still runs there is not known; when the node is lost, mark it offline and try again';
  return new MerapiError(error.code, `${error.message}: ${remedy}`, { cause: error });
}
