// The built-in allocator's search: tries every node (or pair of nodes) with room and takes the one that leaves the cluster most evenly
// loaded. Rules and scores follow Ganeti's hail; it is a pure function of its input.

import { type InstanceSpec, ipolicyViolations } from '../model/ipolicy.ts';
import { allocPolicies } from '../model/nodegroup.ts';
import {
  asPrimary,
  asSecondary,
  type Demand,
  demandOf,
  type NodeState,
  nodeStates,
  reservedWith,
} from './capacity.ts';
import { locationPrice } from './location.ts';
import type { AllocateRequest, Allocation, AllocatorCluster, AllocatorGroup } from './model.ts';
import { closedReasons, isSilent, primaryProblems, secondaryProblems } from './refusals.ts';
import { Balance } from './score.ts';
import { tagRules, tagsWith } from './tags.ts';

/** Scores that differ by less count as equal; then the node whose name sorts first is taken. */
const EQUAL = 1e-9;

/** A possible placement with its score; lower is better. */
interface Placement {
  nodes: readonly NodeState[];
  score: number;
}

/**
 * Chooses the node, or the pair of nodes, for a new instance: of those with room that satisfy the rules, the one that leaves the nodes
 * most evenly loaded. Groups of last resort are considered only when no preferred group has room, unallocable groups never. The same
 * input always gives the same answer.
 */
export function allocate(cluster: AllocatorCluster, request: AllocateRequest): Allocation {
  const search = new Search(cluster, request);
  for (const groups of search.preferences()) {
    const found = search.best(groups);
    if (found) return found;
  }
  return { ok: false, reasons: search.reasons(), temporary: search.isTemporary };
}

/** One search for a placement. */
class Search {
  readonly groups: readonly AllocatorGroup[];
  readonly #request: AllocateRequest;
  readonly #demand: Demand;
  /** Every node of these groups, sorted by name. */
  readonly #states: readonly NodeState[];
  readonly #balance: Balance;
  readonly #price: (primary: NodeState, secondary: NodeState | null) => number;

  constructor(cluster: AllocatorCluster, request: AllocateRequest) {
    const rules = tagRules(cluster.tags);
    const wanted = request.groups;
    this.groups = cluster.groups.filter((group) => wanted === undefined || wanted.includes(group.uuid));
    this.#request = request;
    this.#demand = demandOf(request, rules);
    this.#states = nodeStates({ ...cluster, groups: this.groups }, rules);
    const available = this.#states.filter((state) => closedReasons(state).length === 0);
    this.#balance = new Balance(available);
    const desired = tagsWith(request.tags, rules.desired);
    this.#price = locationPrice(available, this.#demand.exclusion, desired);
  }

  /** The groups that may be used, as sets in the order in which they are tried. */
  preferences(): (readonly AllocatorGroup[])[] {
    if (this.#request.any_policy) return [this.groups];
    const open = allocPolicies.filter((policy) => policy !== 'unallocable');
    return open.map((policy) => this.groups.filter((group) => group.alloc_policy === policy));
  }

  /** Whether a failure may be temporary: a node whose free memory is not known now might have room. */
  get isTemporary(): boolean {
    return this.#states.some(isSilent);
  }

  /** The best placement in these groups; null when none has room. */
  best(groups: readonly AllocatorGroup[]): Allocation | null {
    let best: Placement | null = null;
    let considered = 0;
    for (const placement of this.#placements(groups)) {
      considered += 1;
      if (best === null || placement.score < best.score - EQUAL) best = placement;
    }
    if (best === null) return null;
    const nodes = best.nodes.map((state) => state.node.uuid);
    return { ok: true, nodes, score: { before: this.#balance.score(), after: best.score }, considered };
  }

  /** Every placement that has room in one of the groups. */
  *#placements(groups: readonly AllocatorGroup[]): Generator<Placement> {
    const fitting = groups.filter((group) => this.#violations(group).length === 0);
    const open = this.#states.filter(
      (state) => fitting.includes(state.group) && this.#closed(state).length === 0,
    );
    const given = this.#request.primary;
    for (const primary of given === undefined ? open : this.#states) {
      if (given === undefined && this.#problems(primary).length > 0) continue;
      if (given !== undefined && (primary.node.uuid !== given || !fitting.includes(primary.group))) continue;
      if (this.#request.required_nodes === 1) yield this.#placement(primary, null);
      else
        for (const secondary of open)
          if (this.#canPair(primary, secondary)) yield this.#placement(primary, secondary);
    }
  }

  /** Whether a node can be the secondary of another: both are in one group, and it has room. */
  #canPair(primary: NodeState, secondary: NodeState): boolean {
    if (primary === secondary || primary.group !== secondary.group) return false;
    const reserved = reservedWith(secondary, this.#demand, primary.node.uuid);
    return this.#secondaryProblems(secondary, reserved).length === 0;
  }

  #problems(state: NodeState): string[] {
    return primaryProblems(state, this.#demand, this.#request.ignore_soft_errors);
  }

  #secondaryProblems(state: NodeState, reserved: number): string[] {
    return secondaryProblems(state, this.#demand, reserved, this.#request.ignore_soft_errors);
  }

  #placement(primary: NodeState, secondary: NodeState | null): Placement {
    const changed = [asPrimary(primary, this.#demand)];
    if (secondary) changed.push(asSecondary(secondary, this.#demand, primary.node.uuid));
    return {
      nodes: secondary ? [primary, secondary] : [primary],
      score: this.#balance.score(changed) + this.#price(primary, secondary),
    };
  }

  /** Why this request may not use a node at all; empty when it may. */
  #closed(state: NodeState): string[] {
    const excluded = this.#request.exclude?.includes(state.node.uuid) === true;
    return [...closedReasons(state), ...(excluded ? ['the request excludes it'] : [])];
  }

  /** Why the instance cannot be on any node of a group; empty when it can. */
  #violations(group: AllocatorGroup): string[] {
    const request = this.#request;
    const missing = (request.networks ?? []).filter((name) => !group.networks.includes(name));
    const unreached = missing.map((name) => `it is not connected to network ${name}`);
    if (request.ignore_ipolicy || request.ignore_soft_errors) return unreached;
    const spec: InstanceSpec = {
      'memory-size': request.memory,
      'disk-size': request.disks,
      'disk-count': request.disks.length,
      'cpu-count': request.vcpus,
      'nic-count': request.nic_count,
      'spindle-use': request.spindle_use,
      'disk-template': request.disk_template,
    };
    return [...unreached, ...ipolicyViolations(group.ipolicy, spec)];
  }

  /** Why there is no placement: a reason for each group that cannot be used at all, and for each node of the others. */
  reasons(): string[] {
    const reasons = this.groups.flatMap((group) => this.#groupReasons(group));
    return reasons.length > 0 ? reasons : ['there is no node to choose from'];
  }

  #groupReasons(group: AllocatorGroup): string[] {
    if (group.alloc_policy === 'unallocable' && !this.#request.any_policy)
      return [`group ${group.name}: it takes no new instances`];
    const violations = this.#violations(group);
    if (violations.length > 0) return [`group ${group.name}: ${violations.join(', ')}`];
    const states = this.#states.filter((state) => state.group === group);
    const refused = states.flatMap((state) => {
      const closed = this.#closed(state);
      const isOther = this.#request.primary !== undefined;
      const problems = closed.length > 0 || isOther ? closed : this.#problems(state);
      return problems.length > 0 ? [`${state.node.name}: ${problems.join(', ')}`] : [];
    });
    if (this.#request.required_nodes === 1 || refused.length === states.length) return refused;
    return [...refused, ...this.#secondaryReasons(group, states)];
  }

  /** Why no node of the group can be the secondary of one that has room for the primary. */
  #secondaryReasons(group: AllocatorGroup, states: readonly NodeState[]): string[] {
    const given = this.#request.primary;
    const isOpen = (state: NodeState) => state.node.uuid !== given && this.#closed(state).length === 0;
    const refused = states.filter(isOpen).flatMap((state) => {
      const reserved = reservedWith(state, this.#demand, null);
      const problems = this.#secondaryProblems(state, reserved);
      return problems.length > 0 ? [`${state.node.name} as secondary: ${problems.join(', ')}`] : [];
    });
    const none = given ? 'no other of its nodes has room' : 'no two of its nodes have room together';
    return [...refused, `group ${group.name}: ${none}`];
  }
}
