// `merapi up --stop-instances`: shuts down all instances when the master ends; the next master starts them again. They are recorded in the
// cluster's `stopped_instances`; their admin state stays `up`.

import { SYSTEM } from '../access/principal.ts';
import { type Background, type BackgroundParts, periodic } from '../base/background.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import type { Manager } from '../manager/define.ts';
import type { Instance } from '../model/instance.ts';
import type { RuntimeTable } from '../rpc/runtime.ts';
import { put } from '../store/changes.ts';
import type { Store } from '../store/define.ts';
import { jobEnd } from './joining.ts';

/** Seconds that a guest has to shut down when the cluster stops, and how much longer the master waits for the jobs. */
const STOP_TIME = 30;
const STOP_MARGIN = 10;
/** Milliseconds between two checks for instances that can be started. */
const PERIOD = 1_000;

/** Shuts down every instance whose admin state is `up`. Waits for the jobs, but not longer than STOP_TIME and STOP_MARGIN. */
export async function stopInstances({
  manager,
  store,
  world,
}: {
  manager: Manager;
  store: Store;
  world: World;
}): Promise<void> {
  const up = store.view.instances.list().filter((instance) => instance.admin_state === 'up');
  if (up.length === 0) return;
  await store.commit({ job: null }, (view) => [
    put('cluster', { ...view.cluster, stopped_instances: up.map(({ uuid }) => uuid) }),
  ]);
  const ids = await Promise.all(
    up.map(({ name }) =>
      manager.submit(SYSTEM, [
        { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: name, timeout: STOP_TIME, no_remember: true },
      ]),
    ),
  );
  const timeout = world.clock.timeout((STOP_TIME + STOP_MARGIN) * 1000);
  await Promise.all(ids.map((id) => jobEnd(manager, id, timeout.signal)));
  timeout.cancel();
}

/** Failures of a start after which it is tried again when the node answers. After any other one the instance stays down. */
const passing: readonly ErrorCode[] = ['node_unreachable', 'timeout', 'unavailable'];

/** Starts the instances that stopInstances() has shut down, each as soon as its node answers. */
export function stoppedInstanceStarter(
  { manager, store, runtime }: { manager: Manager; store: Store; runtime: RuntimeTable },
  { log, clock }: BackgroundParts,
): Background {
  const needsStart = (instance: Instance | undefined): instance is Instance =>
    instance?.admin_state === 'up' && runtime.guest(instance.primary_node, instance)?.state !== 'running';
  return periodic('starting the instances that were stopped', { log, clock }, PERIOD, async (signal) => {
    const { instances, nodes, cluster } = store.view;
    const due = cluster.stopped_instances.filter((uuid) => {
      const node = nodes.get(instances.get(uuid)?.primary_node ?? '');
      return !node || node.offline || runtime.of(node.uuid);
    });
    if (due.length === 0) return;
    const starting = due.map((uuid) => instances.get(uuid)).filter(needsStart);
    const again = new Set<string>();
    await Promise.all(
      starting.map(async ({ uuid, name }) => {
        const id = await manager.submit(SYSTEM, [{ OP_ID: 'OP_INSTANCE_STARTUP', instance_name: name }]);
        const failure = (await jobEnd(manager, id, signal))?.ops[0]?.failure;
        if (failure && passing.includes(failure.code)) again.add(uuid);
        if (failure)
          log.warn(
            { instance: name, job: id, reason: failure.message },
            'an instance that was stopped with the master cannot be started',
          );
      }),
    );
    if (signal.aborted) return;
    await store.commit({ job: null }, (view) => {
      const left = view.cluster.stopped_instances.filter((uuid) => !due.includes(uuid) || again.has(uuid));
      return [put('cluster', { ...view.cluster, stopped_instances: left })];
    });
  });
}
