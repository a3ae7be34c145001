// OP_INSTANCE_MULTI_ALLOC: submits one job for each of several new instances. The allocator places all of them together, or the requests
// name the nodes; nothing is created here. An instance that cannot be created or placed is listed in the result as failed, and the
// others go on.

import { errorText, MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { OpInput } from '../../model/job.ts';
import { hostNamed } from '../../model/lookup.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { parseOp } from '../../opcodes/define.ts';
import { instanceMultiAlloc as opcode } from '../../opcodes/instance/multi-alloc.ts';
import { opcodeOf } from '../../opcodes/registry.ts';
import { allocatorOf } from '../../placement/iallocator.ts';
import type { NewInstance } from '../../placement/iallocator-input.ts';
import { placeSeveral } from '../../placement/placement.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { buildDisks, sizedRequest } from '../devices/disks.ts';
import { buildNics } from '../devices/nics.ts';
import { allocationRequest } from './create-place.ts';
import {
  type CreateParams,
  checkRequest,
  defaultHypervisor,
  givenNodes,
  settingsOf,
} from './create-request.ts';

const CREATE = 'OP_INSTANCE_CREATE';
/** What the job shows as priority of a request that has none: it then has that of the whole job. */
const DEFAULT_PRIORITY: { priority?: number } = { priority: 0 };

/** A valid request, in the form of the opcode and in that of the allocator. */
interface Wanted {
  params: CreateParams;
  instance: NewInstance;
}

export const instanceMultiAlloc = defineUnit(opcode, {
  version: 2, // 1: the requests as they are shown were no fact
  async check(context, params) {
    const { resolve, log } = context;
    const requests = params.instances.map((given, index) => parsed(given, index));
    resolve({
      instances: requests.map((request) => ({ ...DEFAULT_PRIORITY, ...request })) as unknown as Json,
    });
    if (requests.length === 0) throw new MerapiError('wrong_input', 'instances is empty: give at least one');
    checkNames(requests);
    const nodesAreGiven = requests[0]?.pnode !== null;
    checkPlaces(requests, params.iallocator);
    const instances = requests.map((request) => shown(context.view, request));
    resolve({ instances });
    if (nodesAreGiven) for (const request of requests) namedNodes(context.view, request);
    const wanted: Wanted[] = [];
    const invalid: string[] = [];
    for (const request of requests) {
      try {
        wanted.push(await wantedOf(context, request));
      } catch (error) {
        if (!(error instanceof MerapiError)) throw error;
        log(`${request.instance_name} cannot be created: ${errorText(error)}`);
        invalid.push(request.instance_name);
      }
    }
    const { placed, failed } = nodesAreGiven
      ? { placed: new Map<string, DiskNodes>(), failed: [] }
      : await placeSeveral(
          context,
          allocatorOf(context.view, params.iallocator, null),
          wanted.map((each) => each.instance),
        );
    const ops = wanted.flatMap(({ instance, params }) => {
      const nodes = params.pnode === null ? placed.get(instance.name) : namedNodes(context.view, params);
      return nodes ? [opOf(params, nodes)] : [];
    });
    return { ops, failed: [...invalid, ...failed], instances };
  },

  run: async (_context, { ops, failed, instances }) => ({
    result: { jobs: [], allocatable: ops.map((op) => String(op.instance_name)), failed },
    jobs: ops.map((op) => [op]),
    shown: (jobs) => ({ instances: submitted(instances, jobs.flat()) }),
  }),
});

/** The requests as the job shows them after their jobs are submitted: with comment, reason and debug_level of these. */
function submitted(requests: readonly Record<string, Json>[], followers: readonly OpInput[]): Json {
  return requests.map((request) => {
    const own = followers.find(({ instance_name }) => instance_name === request.instance_name);
    if (!own) return request;
    const { comment, reason, debug_level } = own as Record<string, Json>;
    return { ...request, comment, reason, debug_level: debug_level ?? 0 } as Json;
  });
}

/** One request with all defaults. @throws MerapiError wrong_input with the index of the request and what is wrong with it */
function parsed(given: unknown, index: number): CreateParams {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new MerapiError('wrong_input', `Instance ${index} must be described by a dictionary`);
  try {
    const noSecrets = { osparams_private: {}, osparams_secret: {} };
    const op = parseOp(opcodeOf(CREATE), { ...noSecrets, ...given, OP_ID: CREATE });
    if (!Object.hasOwn(given, 'priority')) delete op.priority; // the priority of the whole job then applies
    return op as unknown as CreateParams;
  } catch (cause) {
    throw new MerapiError('wrong_input', `Instance ${index}: ${errorText(cause)}`, { cause });
  }
}

/** @throws MerapiError wrong_input for duplicate names, another mode than create, or an allocator of its own */
function checkNames(requests: readonly CreateParams[]): void {
  const names = requests.map(({ instance_name }) => instance_name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new MerapiError('wrong_input', `Instance ${twice} is named twice`);
  const other = requests.find(({ mode }) => mode !== 'create');
  if (other)
    throw new MerapiError(
      'wrong_input',
      `${other.instance_name} has the mode ${other.mode}, and only create is possible here; submit it as a job of its own`,
    );
  const own = requests.find(({ iallocator }) => iallocator !== null);
  if (own)
    throw new MerapiError(
      'wrong_input',
      `${own.instance_name} names an allocator; give one for all, as iallocator beside instances`,
    );
}

/** @throws MerapiError wrong_input unless either all requests name their nodes and no allocator is given, or none names nodes */
function checkPlaces(requests: readonly CreateParams[], iallocator: string | null): void {
  const placed = requests.filter(({ pnode }) => pnode !== null);
  const open = requests.find(({ pnode }) => pnode === null);
  if (placed.length === 0) return;
  if (open)
    throw new MerapiError(
      'wrong_input',
      `${placed[0]?.instance_name} names its node and ${open.instance_name} does not; name the nodes for all or for none`,
    );
  if (iallocator !== null)
    throw new MerapiError(
      'wrong_input',
      'Give either iallocator or a node for each instance: with nodes there is nothing to choose',
    );
}

/** The nodes that a request names. @throws MerapiError not_found, wrong_state, wrong_input */
function namedNodes(view: ClusterView, params: CreateParams): DiskNodes | null {
  const template = params.disk_template ?? (view.cluster.enabled_disk_templates[0] as DiskTemplate);
  return givenNodes(view, params, template);
}

/** A request as the job shows it: the nodes that it names with their uuids. */
function shown(view: ClusterView, request: CreateParams): Record<string, Json> {
  const uuidOf = (name: string | null) =>
    name === null ? null : (hostNamed(view.nodes, name)?.uuid ?? null);
  const uuids = { pnode_uuid: uuidOf(request.pnode), snode_uuid: uuidOf(request.snode) };
  return { ...DEFAULT_PRIORITY, ...request, ...uuids } as unknown as Record<string, Json>;
}

/** Checks a request as far as that does not depend on the node. @throws MerapiError when the instance cannot be created on any node */
async function wantedOf(context: CheckContext, params: CreateParams): Promise<Wanted> {
  const { view, clock, random } = context;
  const { name, template } = checkRequest(view, params);
  if (view.instances.named(name))
    throw new MerapiError('already_exists', `There is an instance ${name} already`);
  const hypervisor = params.hypervisor ?? defaultHypervisor(view);
  const settings = settingsOf(view, params, hypervisor);
  const disks = buildDisks(view.cluster, params.disks.map(sizedRequest), {
    instance: { uuid: random.uuid(), name },
    template,
    fileDriver: params.file_driver ?? 'loop',
    fileFolder: params.file_storage_dir,
    now: clock.seconds(),
    random,
  });
  const nics = await buildNics(context, name, params.nics);
  return { params, instance: allocationRequest(view, params, { name, settings, template, disks, nics }) };
}

/** The opcode that creates an instance on these nodes. */
function opOf(params: CreateParams, { primary, secondary }: DiskNodes): OpInput {
  const { iallocator: _notNeeded, ...rest } = params;
  const nodes = { pnode: primary.name, ...(secondary ? { snode: secondary.name } : {}) };
  return { ...rest, OP_ID: CREATE, ...nodes } as unknown as OpInput;
}
