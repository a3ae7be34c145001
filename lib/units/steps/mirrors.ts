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
 * The same disks, the mirrored ones with a port that no other mirror of their nodes and no console has, and with numbers that are free on
 * these; what they have stays when it is free. To be called where a commit is built, so that no two jobs get the same.
 * @throws MerapiError configuration when the ports are used up
 */
function placeMirrors(view: ClusterView, disks: readonly Disk[]): Disk[] {
  const own = new Set(disks.map((disk) => disk.uuid));
  const numbers = new Map<string, Set<number>>();
  const ports = new Map<string, Set<number>>();
  const consoles = {
    has: (port: number) => [...view.portUsers(port)].some((uuid) => view.instances.get(uuid) !== undefined),
  };
  const taken = (node: string) => {
    const used = view.mirrorsOn(node).filter((disk) => !own.has(disk.uuid));
    const ids = used.map((disk) => MirrorId.parse(disk.logical_id));
    numbers.set(node, new Set(ids.map(([a, , , minorA, minorB]) => (a === node ? minorA : minorB))));
    ports.set(node, new Set(ids.map(([, , port]) => port)));
  };
  return disks.map((disk) => {
    if (!isMirrored(disk.dev_type)) return disk;
    const [a, b, oldPort, minorA, minorB, secret] = MirrorId.parse(disk.logical_id);
    for (const node of [a, b]) if (!numbers.has(node)) taken(node);
    const port = firstFree([ports.get(a), ports.get(b), consoles], FIRST_PORT, oldPort);
    if (port > LAST_PORT)
      throw new MerapiError(
        'configuration',
        `All ports of the cluster (${FIRST_PORT} to ${LAST_PORT}) are used on the nodes of disk ${disk.uuid}`,
      );
    const minors = [firstFree([numbers.get(a)], 0, minorA), firstFree([numbers.get(b)], 0, minorB)];
    for (const [place, node] of [a, b].entries()) {
      ports.get(node)?.add(port);
      numbers.get(node)?.add(minors[place] ?? 0);
    }
    return { ...disk, logical_id: [a, b, port, ...minors, secret] };
  });
}

/** The lowest number from `first` on that none of these uses, or the `wished` one when it is among those. */
function firstFree(
  used: readonly (Pick<ReadonlySet<number>, 'has'> | undefined)[],
  first: number,
  wished: number,
): number {
  const isUsed = (number: number) => used.some((set) => set?.has(number));
  if (wished >= first && !isUsed(wished)) return wished;
  let number = first;
  while (isUsed(number)) number++;
  return number;
}

/**
 * Enters mirrored disks in the cluster, which gives them their ports and numbers; answers them as they are then. Others are
 * left for a later commit. `before` are the disks that are replaced so, where they are not new.
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
    (view) => placeMirrors(view, disks).map((disk) => put('disk', disk)),
    () =>
      disks.map(({ uuid }) => {
        const old = known.get(uuid);
        return old ? put('disk', old) : remove('disk', uuid);
      }),
  );
  return context.step('disks/reserved', ({ view }) => disks.map((disk) => view.disk(disk.uuid) ?? disk));
}

/** Pauses between two looks at a synchronisation, in milliseconds: at first short, then longer and longer. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 5000;
/** How often the log tells how far it is, in milliseconds. */
const TELL_AFTER = 60_000;

/**
 * Waits until the mirrored ones of these disks, active on both sides, are in sync; the log tells how far they are.
 * @throws MerapiError execution when one of them is not and nothing synchronises it
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
    let told = context.clock.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const answer = await nodes.call(node, 'disk.status', { disks: mirrored.map(diskTarget) });
      const waiting = answer.disks.map(({ mirror }) => mirror).filter((mirror) => mirror?.degraded !== false);
      if (waiting.length === 0) return;
      if (waiting.some((mirror) => !mirror || mirror.sync_percent === null))
        throw new MerapiError(
          'execution',
          `A mirrored disk on ${node.name} has lost its other side: nothing synchronises it`,
        );
      const synced = waiting.map((mirror) => mirror?.sync_percent ?? 0);
      tell({ text: 'synchronising, in percent', done: Math.min(...synced), total: 100 });
      if (context.clock.now() - told > TELL_AFTER) {
        told = context.clock.now();
        const percents = synced.map((percent) => `${percent.toFixed(1)} %`);
        context.log(`Not in sync yet: ${percents.join(', ')} are done`);
      }
      await context.clock.sleep(pause, { signal: cancel });
    }
  });
}
