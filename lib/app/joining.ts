// Adds the nodes of a cluster file to the cluster: at the start, and later those that did not answer then ("awaited nodes").

import { SYSTEM } from '../access/principal.ts';
import { type Background, type BackgroundParts, periodic } from '../base/background.ts';
import type { World } from '../base/world.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import type { Manager } from '../manager/define.ts';
import { awaitNodes, joinNodes } from '../manager/init.ts';
import { isFinal, type Job } from '../model/job.ts';
import type { RuntimeTable } from '../rpc/runtime.ts';
import type { Store } from '../store/define.ts';

/** Milliseconds between two checks whether awaited nodes answer. */
const PERIOD = 1_000;

/**
 * Adds the nodes of a cluster file that are not in the cluster yet, after the jobs that an earlier run of the master left for this
 * purpose have ended. Prints to standard error which could not be added; nodes that did not answer become awaited nodes
 * (awaitedNodeAdder). Returns early when the signal fires; the jobs continue.
 */
export async function completeCluster(
  { manager, store, isNew, world }: { manager: Manager; store: Store; isNew: boolean; world: World },
  spec: ClusterSpec,
  signal: AbortSignal,
): Promise<void> {
  const hasAllNodes = () => spec.nodes.every(({ name }) => store.view.nodes.named(name));
  const isComplete = () => !isNew && hasAllNodes();
  if (isComplete()) return;
  for (const id of await unfinishedNodeAdds(manager)) await jobEnd(manager, id, signal);
  if (signal.aborted || isComplete()) return;
  for (const id of await joinNodes(manager, spec)) {
    const failure = (await jobEnd(manager, id, signal))?.ops[0]?.failure;
    if (failure) process.stderr.write(`Job ${id} failed: ${failure.message}\n`);
  }
  if (!signal.aborted && !hasAllNodes()) await awaitNodes(store, spec, world.random);
}

/**
 * Adds each awaited node as soon as it answers. One that answers and still cannot be added, for a reason that its job shows, is not
 * tried again until the master restarts.
 */
export function awaitedNodeAdder(
  { manager, store, runtime }: { manager: Manager; store: Store; runtime: RuntimeTable },
  { log, clock }: BackgroundParts,
): Background {
  const refused = new Set<string>();
  return periodic('adding awaited nodes', { log, clock }, PERIOD, async (signal) => {
    const isDue = (uuid: string) => runtime.of(uuid) && !refused.has(uuid);
    const awaited = store.view.cluster.awaited_nodes.filter(({ uuid }) => isDue(uuid));
    if (awaited.length === 0 || (await unfinishedNodeAdds(manager)).length > 0) return;
    for (const { uuid, name, primary_ip } of awaited) {
      if (signal.aborted) return;
      log.info({ node: name }, 'an awaited node answers and is added');
      const id = await manager.submit(SYSTEM, [{ OP_ID: 'OP_NODE_ADD', node_name: name, primary_ip }]);
      const failure = (await jobEnd(manager, id, signal))?.ops[0]?.failure;
      if (!failure) continue;
      log.warn({ node: name, job: id, reason: failure.message }, 'an awaited node cannot be added');
      if (failure.code !== 'node_unreachable') refused.add(uuid);
    }
  });
}

/** The ids of jobs that add a node and have not ended. */
async function unfinishedNodeAdds(manager: Manager): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id, status, ops } of manager.jobs(SYSTEM))
    if (!isFinal(status) && ops.some(({ input }) => input.OP_ID === 'OP_NODE_ADD')) ids.push(id);
  return ids;
}

/** Waits until a job ends and returns it; null when the signal fires first. */
export async function jobEnd(manager: Manager, id: number, signal: AbortSignal): Promise<Job | null> {
  return manager.waitForJob(SYSTEM, id, { isNews: () => false, signal });
}
