// OP_INSTANCE_MIGRATE: moves a running instance to another node without stopping it. The check decides for one of three plans:
//   migrate    the steps of migrate() below
//   failover   with allow_failover, if the instance does not run or its node is offline or does not answer; always if the backend
//              parameter always_failover is set
//   cleanup    records the node on which the instance runs as its primary node, after a migration that was interrupted

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

/** The options of a failover that replaces a migration. */
const failoverOptions = { shutdown_timeout: 120, ignore_consistency: false };

/** What the job does; see the head of the file. `guest` is the instance with the memory that it gets on the new node. */
type Plan =
  | { kind: 'migrate'; move: Move; guest: InstanceTarget }
  | { kind: 'failover'; move: Move }
  | { kind: 'cleanup'; uuid: string; place: string };

const HOOK = 'instance-migrate';

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
    const unavailable = params.allow_failover ? await whyUnavailable(context, move.from) : null;
    if (!isRunning || alwaysFailover || unavailable !== null) {
      const why =
        unavailable ?? (alwaysFailover ? 'The instance has always_failover' : 'The instance does not run');
      log(`${why}: it is failed over instead`);
      await checkFailover(context, move, failoverOptions);
      return { kind: 'failover', move };
    }
    checkOnline(move.from);
    const liveMode = params.live ? 'live' : 'non-live';
    const asked = params.live === null ? params.mode : liveMode;
    const mode = asked ?? String(target.hvparams.migration_mode ?? 'live');
    resolve({ mode, ...(params.live === null ? {} : { live: null }) });
    return { kind: 'migrate', move, guest: guestFor(context, move, params.allow_runtime_changes) };
  },

  hooks: (view, plan, { instance_name, cleanup, allow_runtime_changes, live, mode }) => {
    const env = { MIGRATE_CLEANUP: cleanup, ALLOW_RUNTIME_CHANGES: allow_runtime_changes };
    if (plan.kind === 'cleanup') return instanceHooks(HOOK, () => ({ env }))(view, plan, { instance_name });
    const isLive = live ?? mode !== 'non-live';
    return moveHooks(view, HOOK, plan.move, { ...env, MIGRATE_LIVE: isLive }, [plan.move.from.uuid]);
  },

  async run(context, plan) {
    switch (plan.kind) {
      case 'cleanup':
        return { result: null, changes: setPrimaryNode(plan.uuid, plan.place, context.clock.seconds()) };
      case 'failover':
        await failOver(context, plan.move, failoverOptions);
        return { result: null };
      case 'migrate':
        await migrate(context, plan.move, plan.guest);
        return { result: null };
    }
  },
});

/** Why a node cannot send its guests; null if it can. */
async function whyUnavailable({ runtime, nodes }: CheckContext, node: Node): Promise<string | null> {
  if (node.offline) return `Node ${node.name} is offline`;
  if (runtime.of(node.uuid) !== null) return null;
  // Its worker may have just reconnected, and its facts may not have arrived yet: ask it.
  return nodes.call(node, 'node.hello', {}).then(
    () => null,
    (error: unknown) => {
      if (error instanceof MerapiError) return `Node ${node.name} does not answer`;
      throw error;
    },
  );
}

/**
 * The guest as it will be on the new node: with the memory that it has now or, with `mayShrink`, down to minmem if that node has less.
 * @throws MerapiError insufficient_resources; environment_error when the new node does not answer
 */
function guestFor(
  { runtime, log }: CheckContext,
  { from, to, target }: Move,
  mayShrink: boolean,
): InstanceTarget {
  const now = runtime.guest(from.uuid, target)?.memory ?? target.beparams.maxmem;
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
 * Moves a running guest:
 *   open      activates the disks on the new node
 *   receive   starts the guest on the new node, where it waits for its state
 *   send      sends the state; from then on the guest is stopped on the old node
 *   primary   records the new primary node
 *   resume    continues the guest on the new node
 *   end, forget, close   clean up on the old node; what fails becomes a duty
 * The guest never runs on both nodes: it is resumed only after it was stopped on the old node and the new primary node is recorded.
 * A failure up to and including `resume` is undone, and the guest continues on the old node.
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
  context.log(`The instance runs on ${to.name}`);
  await context.attempt('end', from, 'instance.stop', { instance: target, timeout: 0, force: true });
  await context.attempt('forget', from, 'instance.forget', { instance: target });
  for (const [index, disk] of activated) {
    const { call, params } = leaving(disk);
    await context.attempt(`disk/${index}/close`, from, call, params);
  }
}

/** The call by which a node stops using a disk for a guest: it becomes the secondary side of a mirror, or deactivates the disk. */
function leaving(disk: DiskTarget): Extract<UndoCall, { call: 'disk.activate' | 'disk.deactivate' }> {
  return templates[disk.dev_type].mirrored
    ? { call: 'disk.activate', params: { disk, primary: false } }
    : { call: 'disk.deactivate', params: { disk } };
}
