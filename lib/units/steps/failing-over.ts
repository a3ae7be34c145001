import { MerapiError } from '../../base/errors.ts';
import { templates } from '../../model/templates/index.ts';
import { checkMemory } from '../checks/host.ts';
import type { CheckContext, RunContext } from '../define.ts';
import { activateDisks, deactivateDisks } from './disk-work.ts';
import { type Move, primaryIs } from './relocation.ts';
import { tellShutdown } from './running.ts';

/** What a failover tolerates. */
export interface FailoverOptions {
  shutdown_timeout: number;
  /** The old node need not answer, and the new one need not have the last data. */
  ignore_consistency: boolean;
}

/** @throws MerapiError when the instance cannot be started on the new node, or has not its data there */
export async function checkFailover(
  { runtime, nodes }: CheckContext,
  { target, to, instance }: Move,
  { ignore_consistency }: FailoverOptions,
): Promise<void> {
  if (instance.admin_state === 'up') checkMemory(runtime, to, target.beparams.minmem);
  const mirrored = target.disks.filter((disk) => templates[disk.dev_type].mirrored);
  if (mirrored.length === 0 || ignore_consistency) return;
  const { disks } = await nodes.call(to, 'disk.status', { disks: mirrored });
  const stale = mirrored.filter((_, place) => disks[place]?.mirror?.current !== true);
  if (stale.length > 0)
    throw new MerapiError(
      'execution',
      `Node ${to.name} has not the last data of disk ${stale.map(({ uuid }) => uuid).join(', ')}; wait for the synchronisation, or give ignore_consistency`,
    );
}

/** Stops an instance on its node and starts it on another, if it is meant to run. */
export async function failOver(context: RunContext, move: Move, options: FailoverOptions): Promise<void> {
  const { instance, target, from, to, isRunning } = move;
  const isGone = from.offline;
  const isOwed = isGone || options.ignore_consistency;
  if (isGone)
    context.log(`Node ${from.name} is offline: whatever runs there is stopped when it answers again`);
  else {
    context.log(`Stopping the instance on ${from.name}`);
    tellShutdown(context.log, isRunning, options.shutdown_timeout);
  }
  const stopping = { instance: target, timeout: options.shutdown_timeout, force: false };
  const undo = isRunning
    ? [{ call: 'instance.start' as const, params: { instance: target, paused: false } }]
    : [];
  if (isOwed) await context.attempt('stop', from, 'instance.stop', stopping, { undo: isGone ? [] : undo });
  else
    await context.call('stop', from, 'instance.stop', stopping, undo).catch((error: unknown) => {
      throw withRemedy(error);
    });
  await deactivateDisks(context, { primary: from, secondary: null }, target.disks, {
    isOwed,
    isFinal: isGone || !isRunning,
  });
  const now = context.clock.seconds();
  await context.commit(
    'primary',
    primaryIs(instance.uuid, to.uuid, now),
    primaryIs(instance.uuid, from.uuid, now),
  );
  if (instance.admin_state === 'up') {
    const nodes = { primary: to, secondary: isGone ? null : from };
    await activateDisks(context, nodes, target.disks, { prefix: 'moved' });
    context.log(`Starting the instance on ${to.name}`);
    await context.call('start', to, 'instance.start', { instance: target, paused: false }, [
      { call: 'instance.stop', params: { instance: target, timeout: 0, force: true } },
      { call: 'instance.forget', params: { instance: target } },
    ]);
  }
  await context.attempt('forget', from, 'instance.forget', { instance: target });
}

/** Says what can be done where the old node does not answer: nobody can know then whether the guest still runs there. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof MerapiError) || error.code !== 'node_unreachable') return error;
  const remedy =
    'whether the instance still runs there is not known; when the node is lost, mark it offline and try again';
  return new MerapiError(error.code, `${error.message}: ${remedy}`, { cause: error });
}
