// Chooses nodes for instances with an allocator, and checks its answer: an external program may answer anything.

import * as z from 'zod';
import { errorText, MerapiError } from '../base/errors.ts';
import type { Disk } from '../model/disk.ts';
import type { Instance } from '../model/instance.ts';
import type { OpInput } from '../model/job.ts';
import type { DiskNodes } from '../model/mirror.ts';
import type { Node } from '../model/node.ts';
import type { ClusterView } from '../model/view.ts';
import { parseOp } from '../opcodes/define.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import { type Answer, askAllocator, type Known } from './iallocator.ts';
import { checkedAnswer } from './iallocator-external.ts';
import type { NewInstance, Question } from './iallocator-input.ts';

/** What the functions of this file need. */
export interface PlacementContext extends Known {
  /** Adds a line to the job's log. */
  log(text: string): void;
}

// The results of the protocol by type of request: node names; [placed, failed]; [moved, failed, jobs].
const names = z.array(z.string());
const placements = z.tuple([z.array(z.tuple([z.string(), names])), names]);
const evacuation = z.tuple([
  z.array(z.tuple([z.string(), z.string(), names])),
  z.array(z.tuple([z.string(), z.string().nullable()])),
  z.array(
    z.array(
      z.looseObject({
        OP_ID: z.enum(['OP_INSTANCE_MIGRATE', 'OP_INSTANCE_FAILOVER', 'OP_INSTANCE_REPLACE_DISKS']),
        instance_name: z.string(),
      }),
    ),
  ),
]);

/**
 * Lets an allocator choose the nodes for a new instance; `instead` is an existing instance whose disks are created again. The choice is
 * logged.
 * @throws MerapiError insufficient_resources with what each node lacks; temp_insufficient_resources when the reason may be a node that
 * does not answer; as askAllocator()
 */
export async function placeNew(
  context: PlacementContext,
  allocator: string,
  wanted: NewInstance,
  instead?: Instance,
): Promise<DiskNodes> {
  const answer = await askAndLog(context, allocator, { type: 'allocate', wanted, instead });
  const nodes = nodesOf(context.view, answer, checkedAnswer(answer.by, names, answer.result));
  return pairOf(answer, nodes, wanted.request.required_nodes);
}

/** Nodes for several new instances; `failed` has the names of those that cannot be placed. @throws MerapiError as placeNew() */
export async function placeSeveral(
  context: PlacementContext,
  allocator: string,
  wanted: readonly NewInstance[],
): Promise<{ placed: ReadonlyMap<string, DiskNodes>; failed: readonly string[] }> {
  const answer = await askAndLog(context, allocator, { type: 'multi-allocate', wanted });
  const [found, failed] = checkedAnswer(answer.by, placements, answer.result);
  const placed = new Map<string, DiskNodes>();
  for (const { name, request } of wanted) {
    if (failed.includes(name)) continue;
    const placement = found.find(([instance]) => instance === name);
    if (!placement) throw new MerapiError('execution', `${answer.by} does not mention ${name} in its answer`);
    const nodes = nodesOf(context.view, answer, placement[1]);
    placed.set(name, pairOf(answer, nodes, request.required_nodes));
  }
  return { placed, failed };
}

/** A secondary node for an instance that has none yet, with these disks. @throws MerapiError as placeNew() */
export async function placeSecondary(
  context: PlacementContext,
  allocator: string,
  instance: Instance,
  disks: readonly Disk[],
  ignore_ipolicy: boolean,
): Promise<Node> {
  const template = disks[0]?.dev_type ?? instance.disk_template;
  const question = { type: 'allocate-secondary', instance, template, disks, ignore_ipolicy } as const;
  const answer = await askAndLog(context, allocator, question);
  return onlyOne(context.view, answer, [checkedAnswer(answer.by, z.string(), answer.result)]);
}

/**
 * Another secondary node for an instance with mirrored disks, or another primary for one with shared disks.
 * @throws MerapiError as placeNew()
 */
export async function replaceNode(
  context: PlacementContext,
  allocator: string,
  instance: Instance,
  ignore_ipolicy: boolean,
): Promise<Node> {
  const answer = await askAndLog(context, allocator, { type: 'relocate', instance, ignore_ipolicy });
  return onlyOne(context.view, answer, checkedAnswer(answer.by, names, answer.result));
}

/**
 * The jobs, each a list of opcodes, that move instances to the nodes that an allocator chooses.
 * @throws MerapiError execution with the instances that cannot be moved, and why; as placeNew()
 */
export async function movingJobs(
  context: PlacementContext,
  allocator: string,
  question: Extract<Question, { type: 'node-evacuate' | 'change-group' }>,
  early_release: boolean,
): Promise<OpInput[][]> {
  if (question.instances.length === 0) return [];
  const answer = await askAndLog(context, allocator, question);
  const [moved, failed, jobs] = checkedAnswer(answer.by, evacuation, answer.result);
  if (failed.length > 0) {
    const reasons = failed.map(([name, reason]) => `${name} (${reason ?? 'no reason is given'})`);
    throw new MerapiError('execution', `Instances that cannot be moved: ${reasons.join('; ')}`);
  }
  for (const [name, group, nodes] of moved)
    context.log(`${name} is moved to ${nodes.join(' and ')} in group ${group}`);
  const nonEmpty = jobs.filter((ops) => ops.length > 0);
  return nonEmpty.map((ops) => ops.map((op) => checkedOp(answer, question.instances, op, early_release)));
}

/** Asks an allocator and logs its answer. @throws MerapiError (temp_)insufficient_resources when it found no nodes */
async function askAndLog(
  { view, runtime, log }: PlacementContext,
  allocator: string,
  question: Question,
): Promise<Answer> {
  const answer = await askAllocator({ view, runtime }, allocator, question);
  if (!answer.success)
    throw new MerapiError(
      answer.temporary ? 'temp_insufficient_resources' : 'insufficient_resources',
      answer.path === null ? answer.info : `${answer.by} found no nodes: ${answer.info}`,
    );
  log(answer.path === null ? `${answer.by} ${answer.info}` : `${answer.by} answers: ${answer.info}`);
  return answer;
}

/** Checks an opcode of an allocator's answer. @throws MerapiError execution when it is invalid or for another instance */
function checkedOp(
  { by }: Answer,
  instances: readonly Instance[],
  op: OpInput,
  early_release: boolean,
): OpInput {
  if (!instances.some(({ name }) => name === op.instance_name))
    throw new MerapiError('execution', `${by} moves ${op.instance_name}, which the request does not contain`);
  const wanted = op.OP_ID === 'OP_INSTANCE_REPLACE_DISKS' ? { ...op, early_release } : op;
  try {
    parseOp(opcodeOf(op.OP_ID), wanted);
  } catch (cause) {
    throw new MerapiError('execution', `${by} answers with an invalid opcode: ${errorText(cause)}`, {
      cause,
    });
  }
  return wanted;
}

/** The primary and secondary of an answer. @throws MerapiError execution when it has not as many nodes as required */
function pairOf({ by }: Answer, nodes: readonly Node[], required: number): DiskNodes {
  const [primary, secondary = null] = nodes;
  if (!primary || nodes.length !== required)
    throw new MerapiError('execution', `${by} chose ${nodes.length} nodes where ${required} are needed`);
  return { primary, secondary };
}

function onlyOne(view: ClusterView, answer: Answer, chosen: readonly string[]): Node {
  return pairOf(answer, nodesOf(view, answer, chosen), 1).primary;
}

/** The nodes with these names. @throws MerapiError execution for an unknown node, or one that occurs twice */
function nodesOf(view: ClusterView, { by }: Answer, chosen: readonly string[]): Node[] {
  const nodes = chosen.map((name) => {
    const node = view.nodes.named(name);
    if (!node) throw new MerapiError('execution', `${by} chose a node that does not exist, ${name}`);
    return node;
  });
  if (new Set(nodes).size < nodes.length)
    throw new MerapiError('execution', `${by} chose a node twice: ${chosen.join(', ')}`);
  return nodes;
}
