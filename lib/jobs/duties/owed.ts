import type { Random } from '../../base/random.ts';
import { type Duty, type DutyCall, MAX_DUTIES } from '../../model/duty.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import { type Change, put, remove } from '../../store/changes.ts';
import { aboutOf, settles } from './rules.ts';

/** What a job could not do, and what is still to be done by calls on a node. */
export interface Owed {
  step: string;
  node: Pick<Node, 'uuid' | 'name'>;
  calls: readonly DutyCall[];
  /** Why it was not done. */
  reason: string;
}

/** A call on a node that was made. */
export interface MadeCall {
  /** The node by uuid. */
  node: string;
  call: DutyCall;
}

/** The opcode that owes something. */
interface Debtor {
  job: number;
  opcode: string;
  scope: string;
  /** The names of the instances that it has locked. */
  instances: readonly string[];
  /** Seconds since 1970. */
  now: number;
  random: Random;
}

/** What keeps reasons from growing without bound, in characters. */
const LONGEST_REASON = 500;

/** A text that is short enough to be kept. */
export const shortened = (text: string): string =>
  text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;

/** The changes that make duties of what an opcode owes: what is owed already is not owed twice, and there is a limit to all. */
export function dutiesOf(view: ClusterView, owed: readonly Owed[], debtor: Debtor): Change[] {
  if (owed.length === 0) return [];
  const known = new Set(view.duties.map(keyOf));
  const changes: Change[] = [];
  for (const { step, node, calls, reason } of owed) {
    if (known.size >= MAX_DUTIES) break;
    const duty = dutyOf({ step, node, calls, reason: shortened(reason) }, debtor, changes.length);
    if (known.has(keyOf(duty))) continue;
    known.add(keyOf(duty));
    changes.push(put('duty', duty));
  }
  return changes;
}

const keyOf = ({ node, calls }: Duty) => JSON.stringify([node, calls]);

/** `place` keeps the duties of one opcode in their order. */
function dutyOf(owed: Owed, { job, opcode, scope, instances, now, random }: Debtor, place: number): Duty {
  const { step, node, calls, reason } = owed;
  const about = calls[0] ? aboutOf(calls[0]) : '';
  return {
    uuid: random.uuid(),
    name: `${calls.map(({ call }) => call).join(', ')} of ${about} on ${node.name}`,
    ...{ node: node.uuid, calls: [...calls], about, instances: [...instances] },
    ...{ job, opcode, step, scope, reason },
    created: now + place / 1e6,
    ...{ tries: 0, next_try: now, last_error: null, locks: null },
  };
}

/** The changes that remove the duties which an opcode that has ended well has settled by its calls. */
export function settledBy(view: ClusterView, calls: readonly MadeCall[]): Change[] {
  const { duties } = view;
  if (duties.length === 0) return [];
  return duties
    .filter((duty) => calls.some(({ node, call }) => node === duty.node && settles(call, duty)))
    .map(({ uuid }) => remove('duty', uuid));
}
