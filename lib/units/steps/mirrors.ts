// Mirrored disks (drbd): the numbers that each mirror needs, and the wait for synchronisation.
// A mirror needs a TCP port and, on each of its two nodes, a minor number; both stand in its logical id (MirrorId). They are assigned
// inside a commit, since no lock protects them: two jobs may create mirrors on one node at the same time.

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { MirrorId } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { FIRST_PORT, LAST_PORT } from '../../model/ports.ts';
import { isMirrored } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { diskTarget } from '../../rpc/target.ts';
import { put, remove } from '../../store/changes.ts';
import type { RunContext } from '../define.ts';

/**
 * Returns the same disks, the mirrored ones with a port that no other mirror on their nodes and no console uses, and with minor numbers
 * that are free on both nodes. A port or number that a disk has already is kept when it is free. Call it only while a commit is built.
 * @throws MerapiError configuration when all ports are used
 */
function assignMirrorIds(view: ClusterView, disks: readonly Disk[]): Disk[] {
  const own = new Set(disks.map((disk) => disk.uuid));
  const minorsInUse = new Map<string, Set<number>>();
  const portsInUse = new Map<string, Set<number>>();
  const consoles = {
    has: (port: number) => [...view.portUsers(port)].some((uuid) => view.instances.get(uuid) !== undefined),
  };
  const loadNode = (node: string) => {
    const others = view.mirrorsOn(node).filter((disk) => !own.has(disk.uuid));
    const ids = others.map((disk) => MirrorId.parse(disk.logical_id));
    minorsInUse.set(node, new Set(ids.map(([a, , , minorA, minorB]) => (a === node ? minorA : minorB))));
    portsInUse.set(node, new Set(ids.map(([, , port]) => port)));
  };
  return disks.map((disk) => {
    if (!isMirrored(disk.dev_type)) return disk;
    const [a, b, oldPort, minorA, minorB, secret] = MirrorId.parse(disk.logical_id);
    for (const node of [a, b]) if (!minorsInUse.has(node)) loadNode(node);
    const port = firstFree([portsInUse.get(a), portsInUse.get(b), consoles], FIRST_PORT, oldPort);
    if (port > LAST_PORT)
      throw new MerapiError(
        'configuration',
        `All ports of the cluster (${FIRST_PORT} to ${LAST_PORT}) are used on the nodes of disk ${disk.uuid}`,
      );
    const minors = [firstFree([minorsInUse.get(a)], 0, minorA), firstFree([minorsInUse.get(b)], 0, minorB)];
    for (const [side, node] of [a, b].entries()) {
      portsInUse.get(node)?.add(port);
      minorsInUse.get(node)?.add(minors[side] ?? 0);
    }
    return { ...disk, logical_id: [a, b, port, ...minors, secret] };
  });
}

/** The lowest number from `first` on that is in none of the sets; `preferred` if that is such a number. */
function firstFree(
  used: readonly (Pick<ReadonlySet<number>, 'has'> | undefined)[],
  first: number,
  preferred: number,
): number {
  const isUsed = (number: number) => used.some((set) => set?.has(number));
  if (preferred >= first && !isUsed(preferred)) return preferred;
  let number = first;
  while (isUsed(number)) number++;
  return number;
}

/**
 * Records mirrored disks in the cluster, which assigns their ports and minor numbers, and returns all disks with these. If none is
 * mirrored, nothing is recorded: that is left to a later commit. `before` are the disks as they were, where they are not new; the undo
 * restores these and removes the others.
 */
export async function reserveMirrors(
  context: RunContext,
  disks: readonly Disk[],
  before: readonly Disk[] = [],
): Promise<readonly Disk[]> {
  if (!disks.some(({ dev_type }) => isMirrored(dev_type))) return disks;
  const known = new Map(before.map((disk) => [disk.uuid, disk]));
  await context.commit(
    'disks/reserve',
    (view) => assignMirrorIds(view, disks).map((disk) => put('disk', disk)),
    () =>
      disks.map(({ uuid }) => {
        const old = known.get(uuid);
        return old ? put('disk', old) : remove('disk', uuid);
      }),
  );
  return context.step('disks/reserved', ({ view }) => disks.map((disk) => view.disk(disk.uuid) ?? disk));
}

/** The pause between two polls of a synchronisation, in milliseconds; it doubles up to the longest one. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 5000;
/** The time between two lines about it in the job's log, in milliseconds. */
const LOG_INTERVAL = 60_000;

/**
 * Waits until all mirrored disks among these are in sync; they must be active on both sides. `node` is the one that is asked. The job
 * shows the progress, and its log gets a line every minute.
 * @throws MerapiError execution when a disk is not in sync and no synchronisation runs
 */
export async function waitForSync(
  context: RunContext,
  node: Node,
  disks: readonly Disk[],
  name = 'disks/sync',
): Promise<void> {
  const mirrored = disks.filter(({ dev_type }) => isMirrored(dev_type));
  if (mirrored.length === 0) return;
  context.log('Waiting until the disks are in sync');
  await context.step(name, async ({ nodes, cancel, tell }) => {
    let loggedAt = context.clock.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const answer = await nodes.call(node, 'disk.status', { disks: mirrored.map(diskTarget) });
      const waiting = answer.disks.map(({ mirror }) => mirror).filter((mirror) => mirror?.degraded !== false);
      if (waiting.length === 0) return;
      if (waiting.some((mirror) => !mirror || mirror.sync_percent === null))
        throw new MerapiError(
          'execution',
          `A mirrored disk on ${node.name} has lost its other side: no synchronisation runs`,
        );
      const synced = waiting.map((mirror) => mirror?.sync_percent ?? 0);
      tell({ text: 'synchronising, in percent', done: Math.min(...synced), total: 100 });
      if (context.clock.now() - loggedAt > LOG_INTERVAL) {
        loggedAt = context.clock.now();
        const percents = synced.map((percent) => `${percent.toFixed(1)} %`);
        context.log(`Not in sync yet: ${percents.join(', ')} done`);
      }
      await context.clock.sleep(pause, { signal: cancel });
    }
  });
}
