import { SYSTEM } from '../access/principal.ts';
import { type Background, type BackgroundParts, periodic } from '../base/background.ts';
import type { World } from '../base/world.ts';
import type { ClusterSpec } from '../manager/cluster-spec.ts';
import type { Manager } from '../manager/define.ts';
import { awaitNodes, joinNodes } from '../manager/init.ts';
import { isFinal, type Job } from '../model/job.ts';
import type { RuntimeTable } from '../rpc/runtime.ts';
import type { Store } from '../store/define.ts';

/** Milliseconds between two looks at the nodes that are awaited. */
const PERIOD = 1_000;

/**
 * Adds the nodes of a cluster file that are not in the cluster, once the jobs that an earlier life left to do just that have
 * ended. Tells on standard error which could not be added; those that did not answer are awaited (awaitedNodeAdder). Returns early
 * when the signal fires; the jobs go on all the same.
 */
export async function completeCluster(
  { manager, store, isNew, world }: { manager: Manager; store: Store; isNew: boolean; world: World },
  spec: ClusterSpec,
  signal: AbortSignal,
): Promise<void> {
  const areAllThere = () => spec.nodes.every(({ name }) => store.view.nodes.named(name));
  const isWhole = () => !isNew && areAllThere();
  if (isWhole()) return;
  for (const id of await unfinished(manager)) await jobEnd(manager, id, signal);
  if (signal.aborted || isWhole()) return;
  for (const id of await joinNodes(manager, spec)) {
    const failure = (await jobEnd(manager, id, signal))?.ops[0]?.failure;
    if (failure) process.stderr.write(`Job ${id} failed: ${failure.message}\n`);
  }
  if (!signal.aborted && !areAllThere()) await awaitNodes(store, spec, world.random);
}

/**
 * Adds the nodes that the cluster was described with and that were late, as soon as they answer. One that answers and cannot be
 * added, which its job tells, is not tried again in this life of the master.
 */
export function awaitedNodeAdder(
  { manager, store, runtime }: { manager: Manager; store: Store; runtime: RuntimeTable },
  { log, clock }: BackgroundParts,
): Background {
  const refused = new Set<string>();
  return periodic('adding the nodes that are awaited', { log, clock }, PERIOD, async (signal) => {
    const isDue = (uuid: string) => runtime.of(uuid) && !refused.has(uuid);
    const awaited = store.view.cluster.awaited_nodes.filter(({ uuid }) => isDue(uuid));
    if (awaited.length === 0 || (await unfinished(manager)).length > 0) return;
    for (const { uuid, name, primary_ip } of awaited) {
      if (signal.aborted) return;
      log.info({ node: name }, 'a node that was awaited answers, and is added');
      const id = await manager.submit(SYSTEM, [{ OP_ID: 'OP_NODE_ADD', node_name: name, primary_ip }]);
      const failure = (await jobEnd(manager, id, signal))?.ops[0]?.failure;
      if (!failure) continue;
      log.warn({ node: name, job: id, reason: failure.message }, 'a node that was awaited cannot be added');
      if (failure.code !== 'node_unreachable') refused.add(uuid);
    }
  });
}

/** The ids of jobs that are still to add a node. */
async function unfinished(manager: Manager): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id, status, ops } of manager.jobs(SYSTEM))
    if (!isFinal(status) && ops.some(({ input }) => input.OP_ID === 'OP_NODE_ADD')) ids.push(id);
  return ids;
}

/** The job when it has ended; null when the signal fired first. */
export async function jobEnd(manager: Manager, id: number, signal: AbortSignal): Promise<Job | null> {
  return manager.waitForJob(SYSTEM, id, { isNews: () => false, signal });
}
