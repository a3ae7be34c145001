import { Slices } from '../base/slices.ts';
import { allocate } from './allocate.ts';
import type { AllocateRequest, Allocation, AllocatorCluster } from './model.ts';
import { withNew } from './moves.ts';

/** An instance to be made. */
interface Wanted {
  readonly name: string;
  readonly request: AllocateRequest;
}

/** Places for several new instances, each counting with those before it that have one; the answers are in their order. */
export async function multiAllocate(
  cluster: AllocatorCluster,
  wanted: readonly Wanted[],
): Promise<Allocation[]> {
  const slices = new Slices();
  const answers: Allocation[] = [];
  let now = cluster;
  for (const { name, request } of wanted) {
    if (slices.over) await slices.pause();
    const answer = allocate(now, request);
    answers.push(answer);
    if (answer.ok) now = withNew(now, name, request, answer.nodes);
  }
  return answers;
}
