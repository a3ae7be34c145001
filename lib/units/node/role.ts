// The role of a node: at most one of the flags master_candidate, drained and offline is set; without any it is a regular node.
//
//   request                                  what follows beside the flag itself
//   a flag is set                            the other two are cleared
//   a flag is cleared that is not set        logged; nothing changes
//   the node can now be a master candidate   it becomes one if the pool of candidates has room
//   master_capable is cleared                it is no longer a master candidate
//
// The master node keeps its role, and a candidate can only be demoted if enough others remain or auto_promote is given.

import { MerapiError } from '../../base/errors.ts';
import type { Node } from '../../model/node.ts';
import { mayDemote, type RoleWish } from '../../opcodes/node/set-params.ts';
import { candidateCount, wantsCandidate } from '../checks/candidates.ts';
import type { CheckContext } from '../define.ts';

/** The flags of a role, in Ganeti's order. */
const roleFlags = ['master_candidate', 'drained', 'offline'] as const;
export type Role = Pick<Node, (typeof roleFlags)[number]>;

/** The flags that differ between two roles, with their new values. */
export function roleChanges(before: Role, after: Role): [string, boolean][] {
  return roleFlags.filter((name) => before[name] !== after[name]).map((name) => [name, after[name]]);
}

/**
 * The role that a node gets by a request. What follows from the request is resolved into the opcode and logged.
 * @throws MerapiError wrong_input, wrong_state
 */
export function newRole(
  context: CheckContext,
  node: Node,
  params: RoleWish & { auto_promote: boolean },
): Role {
  const { view, resolve, log } = context;
  checkWish(context, node, params);
  const wish = { ...params };
  for (const name of roleFlags)
    if (wish[name] === false && !node[name]) {
      log(`${node.name} does not have the flag ${name}`);
      wish[name] = null;
    }
  if (becomesEligible(node, wish) && wantsCandidate(view, { without: node.uuid })) {
    log(`${node.name} becomes a master candidate`);
    wish.master_candidate = true;
  }
  if (wish.master_capable === false && node.master_candidate) {
    log(`${node.name} is no longer a master candidate`);
    wish.master_candidate = false;
  }
  for (const name of roleFlags) if (wish[name] !== params[name]) resolve({ [name]: wish[name] });
  const given = roleFlags.find((name) => wish[name]);
  if (given) return { master_candidate: false, drained: false, offline: false, [given]: true };
  const role = (name: keyof Role) => wish[name] ?? node[name];
  return { master_candidate: role('master_candidate'), drained: role('drained'), offline: role('offline') };
}

/** Whether the request makes a node that could not be a master candidate one that can, without saying whether it is to be one. */
function becomesEligible(node: Node, wish: RoleWish): boolean {
  const isEligible = (each: RoleWish | Node) => each.master_capable && !each.drained && !each.offline;
  const after = {
    master_capable: wish.master_capable ?? node.master_capable,
    drained: wish.drained ?? node.drained,
    offline: wish.offline ?? node.offline,
    master_candidate: null,
  };
  return !isEligible(node) && isEligible(after) === true && wish.master_candidate === null;
}

/** @throws MerapiError wrong_input for a role that no node can have, wrong_state for one that this node cannot have now */
function checkWish({ view }: CheckContext, node: Node, wish: RoleWish & { auto_promote: boolean }): void {
  const asked = roleFlags.filter((name) => wish[name]);
  if (asked.length > 1)
    throw new MerapiError('wrong_input', `A node can only be one of these: ${asked.join(', ')}`);
  const isMaster = node.uuid === view.cluster.master_node;
  if (isMaster && roleFlags.some((name) => wish[name] !== null))
    throw new MerapiError(
      'wrong_input',
      `Node ${node.name} is the master node, and its role cannot be changed`,
    );
  if (isMaster && wish.master_capable === false)
    throw new MerapiError(
      'wrong_state',
      `Node ${node.name} is the master node, so it must stay master capable`,
    );
  if (wish.master_candidate && !(wish.master_capable ?? node.master_capable))
    throw new MerapiError(
      'wrong_state',
      `Node ${node.name} is not master capable, so it cannot be a master candidate`,
    );
  if (!node.master_candidate || !mayDemote(wish) || wish.auto_promote) return;
  const { have, want } = candidateCount(view, { without: node.uuid });
  if (have < want)
    throw new MerapiError(
      'wrong_state',
      `Without ${node.name} the cluster has ${have} of ${want} master candidates; give auto_promote to promote other nodes`,
    );
}
