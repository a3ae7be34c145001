// Answers requests of the iallocator protocol with the built-in allocator, in the same form as an external program.

import { allocate } from '../allocator/allocate.ts';
import { changeGroup, nodeEvacuate } from '../allocator/evacuate.ts';
import type { Allocation, Evacuation, Moved, MoveStep } from '../allocator/model.ts';
import { multiAllocate } from '../allocator/multi.ts';
import { relocate } from '../allocator/relocate.ts';
import type { OpInput } from '../model/job.ts';
import { nodeCount } from '../model/templates/index.ts';
import type { ClusterView } from '../model/view.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import { allocatorCluster, allocatorInstance } from './allocator-cluster.ts';
import type { IallocatorOutput } from './iallocator-external.ts';
import type { Question } from './iallocator-input.ts';

/** The answer of the built-in allocator: that of the protocol, and whether a failure may be temporary. */
export interface BuiltInOutput extends IallocatorOutput {
  temporary: boolean;
}

/** Answers a question in the form of the iallocator protocol. Never throws for a lack of room: that is an answer without success. */
export async function builtInAllocator(
  view: ClusterView,
  runtime: RuntimeView,
  question: Question,
): Promise<BuiltInOutput> {
  const cluster = allocatorCluster(view, runtime);
  const replaced = question.type === 'allocate' ? question.instead?.uuid : undefined;
  const without = { ...cluster, instances: cluster.instances.filter(({ uuid }) => uuid !== replaced) };
  const uuids = (instances: readonly { uuid: string }[]) => instances.map(({ uuid }) => uuid);
  switch (question.type) {
    case 'allocate':
      return placementAnswer(view, allocate(without, question.wanted.request), (names) => names);
    case 'allocate-secondary': {
      const { instance, template, disks, ignore_ipolicy } = question;
      const changed = allocatorInstance(view, runtime, instance, disks);
      const answer = relocate(
        cluster,
        { ...changed, disk_template: template, secondary: null },
        { ignore_ipolicy },
      );
      return placementAnswer(view, answer, (names) => names[1], 1);
    }
    case 'relocate': {
      const { instance, ignore_ipolicy } = question;
      const own = allocatorInstance(view, runtime, instance, view.disksOf(instance));
      const answer = relocate(cluster, own, { ignore_ipolicy });
      return placementAnswer(view, answer, (names) => names.slice(-1), nodeCount(own.disk_template) - 1);
    }
    case 'multi-allocate': {
      const answers = await multiAllocate(without, question.wanted);
      return multiAnswer(view, question.wanted, answers);
    }
    case 'node-evacuate': {
      const { instances, evac_mode, ignore_soft_errors } = question;
      return moveAnswer(view, await nodeEvacuate(cluster, uuids(instances), evac_mode, ignore_soft_errors));
    }
    case 'change-group': {
      const { instances, target_groups } = question;
      const targets = target_groups.length > 0 ? target_groups : null;
      return moveAnswer(view, await changeGroup(cluster, uuids(instances), targets));
    }
  }
}

/** The answer for one placement. The first `kept` nodes are those that the instance has already; `info` names only the others. */
function placementAnswer(
  view: ClusterView,
  answer: Allocation,
  resultOf: (names: string[]) => unknown,
  kept = 0,
): BuiltInOutput {
  if (!answer.ok)
    return {
      success: false,
      info: `No node has room for the instance. ${answer.reasons.join('. ')}`,
      result: [],
      temporary: answer.temporary,
    };
  const names = namesOf(view, answer.nodes);
  const chosen = names.slice(kept).join(' and ');
  const { before, after } = answer.score;
  const scores = `the cluster's score goes from ${before.toFixed(4)} to ${after.toFixed(4)}`;
  return {
    success: true,
    info: `chose ${chosen} of ${answer.considered} with room; ${scores}`,
    result: resultOf(names),
    temporary: false,
  };
}

/** The answer for several new instances. It is a success even if some cannot be placed: the result lists both. */
function multiAnswer(
  view: ClusterView,
  wanted: readonly { name: string }[],
  answers: readonly Allocation[],
): BuiltInOutput {
  const placed: [string, string[]][] = [];
  const failed: string[] = [];
  const reasons: string[] = [];
  for (const [index, answer] of answers.entries()) {
    const name = wanted[index]?.name ?? '';
    if (answer.ok) placed.push([name, namesOf(view, answer.nodes)]);
    else {
      failed.push(name);
      reasons.push(`${name} cannot be placed: ${answer.reasons.join('. ')}`);
    }
  }
  const info = [`chose nodes for ${placed.length} of ${answers.length} instances`, ...reasons].join('. ');
  return { success: true, info, result: [placed, failed], temporary: false };
}

/** The answer for moves: the instances that are moved with group and nodes, those that cannot be moved, and a job for each of the first. */
function moveAnswer(view: ClusterView, { moved, failed }: Evacuation): BuiltInOutput {
  const groupOf = ({ nodes }: Moved) =>
    view.groups.get(view.nodes.get(nodes[0] ?? '')?.group ?? '')?.name ?? '';
  return {
    success: true,
    info: `chose nodes for ${moved.length} of ${moved.length + failed.length} instances`,
    result: [
      moved.map((move) => [move.instance.name, groupOf(move), namesOf(view, move.nodes)]),
      failed.map(({ instance, reason }) => [instance.name, reason]),
      moved.map(({ instance, steps }) => steps.map((step) => opOf(view, instance.name, step))),
    ],
    temporary: false,
  };
}

/** The opcode that does a step. Instance policies are ignored: an instance that violates one already must be movable. */
function opOf(view: ClusterView, instance_name: string, step: MoveStep): OpInput {
  const [to = null] = step.to === null ? [] : namesOf(view, [step.to]);
  if (step.kind === 'primary')
    return {
      OP_ID: 'OP_INSTANCE_MIGRATE',
      instance_name,
      allow_failover: true,
      ignore_ipolicy: true,
      ...(to === null ? {} : { target_node: to }),
    };
  return {
    OP_ID: 'OP_INSTANCE_REPLACE_DISKS',
    instance_name,
    mode: 'replace_new_secondary',
    remote_node: to,
    ignore_ipolicy: true,
  };
}

function namesOf(view: ClusterView, nodes: readonly string[]): string[] {
  return nodes.flatMap((uuid) => view.nodes.get(uuid)?.name ?? []);
}
