import { MerapiError } from '../../base/errors.ts';
import { fillBeParams } from '../../model/fill.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import type { Node } from '../../model/node.ts';
import { templates } from '../../model/templates/index.ts';
import { instanceMigrate as opcode } from '../../opcodes/instance/migrate.ts';
import type { DiskTarget, InstanceTarget } from '../../rpc/types.ts';
import { type CheckContext, defineUnit, type RunContext, type UndoCall } from '../define.ts';
import { instanceHooks, moveHooks } from '../hooks/hooks.ts';
import { checkFailover, failOver } from '../steps/failing-over.ts';
import { checkMove, findRunningNode, type Move, setPrimaryNode } from '../steps/relocation.ts';

/** How a migration that becomes a failover is done. */
const asFailover = { shutdown_timeout: 120, ignore_consistency: false };

/** What is to be done: move it running, stop and start it, or only record where it is. */
type Plan =
  | { kind: 'migrate'; move: Move; guest: InstanceTarget }
  | { kind: 'failover'; move: Move }
  | { kind: 'cleanup'; uuid: string; place: string };

/** The name of its hooks. */
const NAME = 'instance-migrate';

export const instanceMigrate = defineUnit(opcode, {
  async check(context, params): Promise<Plan> {
    const { view, runtime, resolve, log } = context;
    if (params.mode !== null && params.live !== null)
      throw new MerapiError('wrong_input', 'Give mode or live, not both');
    if (params.cleanup) {
      const instance = instanceNamed(view, params.instance_name);
      resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
      return { kind: 'cleanup', uuid: instance.uuid, place: findRunningNode(view, runtime, instance).uuid };
    }
    const move = await checkMove(context, params);
    const { instance, target, isRunning } = move;
    const alwaysFailover = fillBeParams(view.cluster, instance.beparams).always_failover;
    if (!isRunning && !params.allow_failover)
      throw new MerapiError(
        'wrong_state',
        `Instance ${instance.name} does not run, so it cannot be migrated; fail it over, or give allow_failover`,
      );
    const lost = params.allow_failover ? await lossOf(context, move.from) : null;
    if (!isRunning || alwaysFailover || lost !== null) {
      const why = lost ?? (alwaysFailover ? 'It is always to be failed over' : 'It does not run');
      log(`${why}: failing it over instead`);
      await checkFailover(context, move, asFailover);
      return { kind: 'failover', move };
    }
    checkOnline(move.from);
    const asked = params.live === null ? params.mode : params.live ? 'live' : 'non-live';
    const mode = asked ?? String(target.hvparams.migration_mode ?? 'live');
    resolve({ mode, ...(params.live === null ? {} : { live: null }) });
    return { kind: 'migrate', move, guest: guestFor(context, move, params.allow_runtime_changes) };
  },

  hooks: (view, plan, { instance_name, cleanup, allow_runtime_changes, live, mode }) => {
    const env = { MIGRATE_CLEANUP: cleanup, ALLOW_RUNTIME_CHANGES: allow_runtime_changes };
    if (plan.kind === 'cleanup') return instanceHooks(NAME, () => ({ env }))(view, plan, { instance_name });
    const isLive = live ?? mode !== 'non-live';
    return moveHooks(view, NAME, plan.move, { ...env, MIGRATE_LIVE: isLive }, [plan.move.from.uuid]);
  },

  async run(context, plan) {
    switch (plan.kind) {
      case 'cleanup':
        return { result: null, changes: setPrimaryNode(plan.uuid, plan.place, context.clock.seconds()) };
      case 'failover':
        await failOver(context, plan.move, asFailover);
        return { result: null };
      case 'migrate':
        await migrate(context, plan.move, plan.guest);
        return { result: null };
    }
  },
});

/** What keeps a node from sending its guests, if anything does. */
async function lossOf({ runtime, nodes }: CheckContext, node: Node): Promise<string | null> {
  if (node.offline) return `Node ${node.name} is offline`;
  if (runtime.of(node.uuid) !== null) return null;
  // Its worker may just be back, and have told nothing yet.
  return nodes.call(node, 'node.hello', {}).then(
    () => null,
    (error: unknown) => {
      if (error instanceof MerapiError) return `Node ${node.name} does not answer`;
      throw error;
    },
  );
}

/**
 * The guest as it will be on the new node: with the memory that it has now, or with less where that node has less.
 * @throws MerapiError insufficient_resources
 */
function guestFor(
  { runtime, log }: CheckContext,
  { from, to, target }: Move,
  mayShrink: boolean,
): InstanceTarget {
  const now = runtime.guest(from.uuid, target.name)?.memory ?? target.beparams.maxmem;
  const free = runtime.of(to.uuid)?.node.memory_free ?? null;
  if (free === null)
    throw new MerapiError(
      'environment_error',
      `Node ${to.name} does not answer, so its free memory is not known`,
    );
  const least = mayShrink ? Math.min(now, target.beparams.minmem) : now;
  if (free < least)
    throw new MerapiError(
      'insufficient_resources',
      `Node ${to.name} has ${free} MiB of memory free; ${least} MiB are needed, ${least - free} more`,
    );
  const memory = Math.min(now, free);
  if (memory < now) log(`Node ${to.name} has less memory: the instance gets ${memory} MiB instead of ${now}`);
  return { ...target, beparams: { ...target.beparams, maxmem: memory } };
}

/**
 * At no moment it runs on both nodes: it waits on the new one until it is stopped on the old one and the cluster says where it
 * belongs. Whatever fails up to then is reversed, and it runs on where it was.
 */
async function migrate(
  context: RunContext,
  { instance, target, from, to }: Move,
  guest: InstanceTarget,
): Promise<void> {
  const activated = [...target.disks.entries()].filter(([, disk]) => templates[disk.dev_type].activated);
  for (const [index, disk] of activated)
    await context.call(`disk/${index}/open`, to, 'disk.activate', { disk, primary: true }, [leaving(disk)]);
  context.log(`Preparing ${to.name}`);
  const { to: address } = await context.call('receive', to, 'migration.receive', { instance: guest }, [
    { call: 'instance.stop', params: { instance: guest, timeout: 0, force: true } },
    { call: 'instance.forget', params: { instance: guest } },
  ]);
  context.log(`Moving the instance from ${from.name} to ${to.name}`);
  await context.call('send', from, 'migration.send', { instance: target, to: address }, [
    { call: 'migration.resume', params: { instance: target } },
  ]);
  const now = context.clock.seconds();
  await context.commit(
    'primary',
    setPrimaryNode(instance.uuid, to.uuid, now),
    setPrimaryNode(instance.uuid, from.uuid, now),
  );
  await context.call('resume', to, 'migration.resume', { instance: guest }, [
    { call: 'instance.stop', params: { instance: guest, timeout: 0, force: true } },
  ]);
  context.log(`It runs on ${to.name}`);
  await context.attempt('end', from, 'instance.stop', { instance: target, timeout: 0, force: true });
  await context.attempt('forget', from, 'instance.forget', { instance: target });
  for (const [index, disk] of activated) {
    const { call, params } = leaving(disk);
    await context.attempt(`disk/${index}/close`, from, call, params);
  }
}

/** What makes a node that had a disk for its guest leave it to another node: it becomes the other side of a mirror, or has nothing of it. */
function leaving(disk: DiskTarget): Extract<UndoCall, { call: 'disk.activate' | 'disk.deactivate' }> {
  return templates[disk.dev_type].mirrored
    ? { call: 'disk.activate', params: { disk, primary: false } }
    : { call: 'disk.deactivate', params: { disk } };
}
