// OP_TEST_ALLOCATOR: shows the input of an allocator for a request (direction `in`), or an allocator's answer to it (`out`).
// Nothing is created or moved.

import { MerapiError } from '../../base/errors.ts';
import { groupNamed, instanceNamed } from '../../model/find.ts';
import { hostName } from '../../model/names.ts';
import { diskTemplates, isMirrored, nodeCount } from '../../model/templates/index.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import { testAllocator as opcode } from '../../opcodes/test/allocator.ts';
import { needsOf } from '../../placement/allocator-cluster.ts';
import { askAllocator } from '../../placement/iallocator.ts';
import { iallocatorInput, type NewInstance, type Question } from '../../placement/iallocator-input.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { buildDisks, type DiskRequest } from '../devices/disks.ts';
import { buildNics } from '../devices/nics.ts';

type Request = ValuesOf<typeof opcode>;

export const testAllocator = defineUnit(opcode, {
  async check(context, params) {
    const question = await questionOf(context, params);
    if (params.direction === 'in')
      return { text: JSON.stringify(iallocatorInput(context.view, context.runtime, question), null, 2) };
    if (params.iallocator === null)
      throw new MerapiError('wrong_input', 'Give the iallocator whose answer is to be shown');
    const { success, info, result } = await askAllocator(context, params.iallocator, question);
    return { text: JSON.stringify({ success, info, result }) };
  },

  run: async (_context, { text }) => ({ result: text }),
});

/** The question for the allocator that a request describes. @throws MerapiError wrong_input when a parameter of its mode is missing */
async function questionOf(context: CheckContext, params: Request): Promise<Question> {
  const { view } = context;
  switch (params.mode) {
    case 'allocate':
      return { type: 'allocate', wanted: await newInstance(context, params, params.name) };
    case 'multi-allocate': {
      const names = Array.from({ length: params.count }, (_, index) => `${params.name}${index}`);
      const wanted: NewInstance[] = [];
      for (const name of names) wanted.push(await newInstance(context, params, name));
      return { type: 'multi-allocate', wanted };
    }
    case 'allocate-secondary': {
      const instance = instanceNamed(view, params.name);
      const own = isMirrored(instance.disk_template) ? instance.disk_template : undefined;
      const template = own ?? diskTemplates.find(isMirrored) ?? instance.disk_template;
      const disks = view.disksOf(instance);
      return { type: 'allocate-secondary', instance, template, disks, ignore_ipolicy: false };
    }
    case 'relocate':
      return { type: 'relocate', instance: instanceNamed(view, params.name), ignore_ipolicy: false };
    case 'node-evacuate':
      return {
        type: 'node-evacuate',
        instances: given(params, 'instances').map((name) => instanceNamed(view, name)),
        evac_mode: given(params, 'evac_mode'),
        ignore_soft_errors: false,
      };
    case 'change-group':
      return {
        type: 'change-group',
        instances: given(params, 'instances').map((name) => instanceNamed(view, name)),
        target_groups: (params.target_groups ?? []).map((name) => groupNamed(view, name).uuid),
      };
  }
}

async function newInstance(context: CheckContext, params: Request, text: string): Promise<NewInstance> {
  const { view, clock, random } = context;
  const name = hostName(text);
  if (view.instances.named(name))
    throw new MerapiError('already_exists', `There is an instance ${name} already`);
  const disk_template = given(params, 'disk_template');
  const nics = await buildNics(context, name, given(params, 'nics'));
  const disks = buildDisks(view.cluster, given(params, 'disks').map(diskRequest), {
    instance: { uuid: random.uuid(), name },
    template: disk_template,
    fileDriver: 'loop',
    fileFolder: null,
    now: clock.seconds(),
    random,
  });
  const maxmem = given(params, 'memory');
  const beparams = { minmem: maxmem, maxmem, vcpus: given(params, 'vcpus'), spindle_use: params.spindle_use };
  const needs = needsOf(view, { beparams, disk_template, nics, tags: params.tags }, disks);
  const groups = params.group_name === null ? undefined : [groupNamed(view, params.group_name).uuid];
  return {
    ...{ name, os: given(params, 'os'), nics },
    hypervisor: params.hypervisor ?? String(view.cluster.enabled_hypervisors[0]),
    request: { ...needs, required_nodes: nodeCount(disk_template), ...(groups ? { groups } : {}) },
  };
}

function diskRequest(value: unknown): DiskRequest {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as DiskRequest;
  throw new MerapiError('wrong_input', 'Each disk must be a dictionary with its size');
}

/** A parameter that the mode needs. @throws MerapiError wrong_input when it is not given */
function given<K extends keyof Request>(params: Request, name: K): NonNullable<Request[K]> {
  const value = params[name];
  if (value === null || value === undefined)
    throw new MerapiError('wrong_input', `The mode ${params.mode} needs ${name}`);
  return value;
}
