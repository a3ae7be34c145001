import { randomUUID } from 'node:crypto';
import type { AllocatorInstance } from '../../allocator/model.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { fillBeParams } from '../../model/fill.ts';
import type { OpInput } from '../../model/job.ts';
import { parseOp } from '../../opcodes/define.ts';
import { instanceMultiAlloc as opcode } from '../../opcodes/instance/multi-alloc.ts';
import { opcodeOf } from '../../opcodes/registry.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { buildDisks, checkTemplate } from '../steps/disks.ts';
import { buildNics } from '../steps/nics.ts';
import { place } from './create-place.ts';
import { type CreateParams, checkRequest, defaultHypervisor, settingsOf } from './create-request.ts';

const CREATE = 'OP_INSTANCE_CREATE';

export const instanceMultiAlloc = defineUnit(opcode, {
  async check(context, params) {
    const { resolve, log } = context;
    const requests = params.instances.map((given, index) => parsed(given, index));
    resolve({ instances: requests as unknown as Json });
    if (requests.length === 0) throw new MerapiError('wrong_input', 'No instance is asked for');
    checkNames(requests);
    const placed: AllocatorInstance[] = [];
    const ops: OpInput[] = [];
    const failed: string[] = [];
    for (const request of requests) {
      const wanted = { ...request, iallocator: request.iallocator ?? params.iallocator };
      try {
        ops.push(await placing(context, wanted, placed));
      } catch (error) {
        if (!(error instanceof MerapiError)) throw error;
        log(`${request.instance_name} has no place: ${errorText(error)}`);
        failed.push(request.instance_name);
      }
    }
    return { ops, failed };
  },

  run: async (_context, { ops, failed }) => ({
    result: { jobs: [], allocatable: ops.map((op) => String(op.instance_name)), failed },
    jobs: ops.map((op) => [op]),
  }),
});

/** One request with all defaults. @throws MerapiError wrong_input telling which one is wrong, and how */
function parsed(given: unknown, index: number): CreateParams {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new MerapiError('wrong_input', `Instance ${index} must be described by a dictionary`);
  try {
    const noSecrets = { osparams_private: {}, osparams_secret: {} };
    return parseOp(opcodeOf(CREATE), { ...noSecrets, ...given, OP_ID: CREATE }) as unknown as CreateParams;
  } catch (cause) {
    throw new MerapiError('wrong_input', `Instance ${index}: ${errorText(cause)}`, { cause });
  }
}

function checkNames(requests: readonly CreateParams[]): void {
  const names = requests.map(({ instance_name }) => instance_name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new MerapiError('wrong_input', `Instance ${twice} is asked for twice`);
  const bound = requests.find(({ pnode }) => pnode !== null);
  if (bound)
    throw new MerapiError(
      'wrong_input',
      `${bound.instance_name} names its node already; create it by itself`,
    );
}

/** The opcode that makes an instance where the allocator puts it, with those before it in their places. @throws MerapiError */
async function placing(
  context: CheckContext,
  params: CreateParams,
  placed: AllocatorInstance[],
): Promise<OpInput> {
  const { view, clock } = context;
  const { name, template } = checkRequest(view, params);
  if (view.instances.named(name))
    throw new MerapiError('already_exists', `There is an instance ${name} already`);
  const hypervisor = params.hypervisor ?? defaultHypervisor(view);
  checkTemplate(template, hypervisor);
  const settings = settingsOf(view, params, hypervisor);
  const disks = buildDisks(view.cluster, params.disks, {
    instance: { uuid: randomUUID(), name },
    template,
    fileDriver: params.file_driver ?? 'loop',
    fileFolder: params.file_storage_dir,
    now: clock.seconds(),
  });
  const nics = await buildNics(view, name, params.nics);
  const { primary, secondary } = place(context, params, { settings, template, disks, nics }, placed);
  const be = fillBeParams(view.cluster, settings.beparams);
  placed.push({
    primary: primary.uuid,
    secondary: secondary?.uuid ?? null,
    memory: be.maxmem,
    vcpus: be.vcpus,
    spindle_use: be.spindle_use,
    running: false,
    offline: false,
    auto_balance: be.auto_balance,
    disk_template: template,
    tags: params.tags,
  });
  const nodes = { pnode: primary.name, ...(secondary ? { snode: secondary.name } : {}) };
  const { iallocator: _chosen, ...rest } = params;
  return { ...rest, OP_ID: CREATE, ...nodes } as unknown as OpInput;
}
