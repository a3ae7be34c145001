// Turns what an opcode could not do on a node into duties (stored calls that are retried), and removes older duties that a successful
// opcode has made unnecessary. Both happen in the transaction that ends the opcode, so neither can be lost or come early.
import type { Random } from '../../base/random.ts';
import { type Duty, type DutyCall, MAX_DUTIES } from '../../model/duty.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import { type Change, put, remove } from '../../store/changes.ts';
import { settles, subjectOf } from './rules.ts';

/** Calls on a node that a job could not make, or that failed, and that must still be made. */
export interface Owed {
  step: string;
  node: Pick<Node, 'uuid' | 'name'>;
  calls: readonly DutyCall[];
  /** Why it was not done. */
  reason: string;
}

/** A call on a node that a job made successfully. */
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

/** The longest reason that is stored, in characters. */
const LONGEST_REASON = 500;

/** Cuts a text to the length that is stored. */
export const shortened = (text: string): string =>
  text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;

/**
 * The changes that store as duties what an opcode owes. Calls that are a duty already are not stored twice, and beyond MAX_DUTIES
 * nothing is stored.
 */
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

/** `position` keeps the duties of one opcode in order: it is added to their time of creation in microseconds. */
function dutyOf(owed: Owed, { job, opcode, scope, instances, now, random }: Debtor, position: number): Duty {
  const { step, node, calls, reason } = owed;
  const about = calls[0] ? subjectOf(calls[0]) : '';
  return {
    uuid: random.uuid(),
    name: `${calls.map(({ call }) => call).join(', ')} of ${about} on ${node.name}`,
    ...{ node: node.uuid, calls: [...calls], about, instances: [...instances] },
    ...{ job, opcode, step, scope, reason },
    created: now + position / 1e6,
    ...{ tries: 0, next_try: now, last_error: null, locks: null },
  };
}

/** The changes that remove the duties that the calls of a successful opcode have settled. */
export function settledBy(view: ClusterView, calls: readonly MadeCall[]): Change[] {
  const { duties } = view;
  if (duties.length === 0) return [];
  return duties
    .filter((duty) => calls.some(({ node, call }) => node === duty.node && settles(call, duty)))
    .map(({ uuid }) => remove('duty', uuid));
}
