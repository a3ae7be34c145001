import { MerapiError } from '../../base/errors.ts';
import { diskTemplatesOnAllNodes } from '../../model/diskparams/index.ts';
import type { Instance } from '../../model/instance.ts';
import type { OpInput } from '../../model/job.ts';
import type { Node } from '../../model/node.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import { nodeEvacuate as opcode } from '../../opcodes/node/evacuate.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { checkTakes, nodeNamed } from '../steps/find.ts';
import { allocatorOf } from '../steps/relocate.ts';
import { isRunning } from '../steps/running.ts';

type Request = ValuesOf<typeof opcode>;

export const nodeEvacuate = defineUnit(opcode, {
  check(context, params) {
    const { view, resolve } = context;
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    const remote = params.remote_node === null ? null : nodeNamed(view, params.remote_node);
    if (remote) resolve({ remote_node: remote.name, remote_node_uuid: remote.uuid });
    if (remote && params.iallocator !== null)
      throw new MerapiError('wrong_input', 'Give remote_node or iallocator, not both');
    if (params.mode === 'all')
      throw new MerapiError(
        'wrong_input',
        "Evacuate primary and secondary instances by a job each: give mode 'primary-only', then 'secondary-only'",
      );
    if (remote) checkRemote(node, remote, params);
    const iallocator = remote ? null : allocatorOf(view, params.iallocator, 'remote_node');
    const ops =
      params.mode === 'primary-only'
        ? primaries(context, node, iallocator, params)
        : view.secondariesOn(node.uuid).map(({ name }) => secondary(name, remote, iallocator, params));
    return { ops };
  },

  /** Each job chooses the new node when it runs, so it counts with what those before it have done. */
  async run(context, { ops }) {
    if (ops.length === 0) context.log('There is nothing to evacuate');
    return { result: { jobs: [] }, jobs: ops.map((op) => [op]) };
  },
});

function checkRemote(node: Node, remote: Node, { mode }: Request): void {
  if (mode !== 'secondary-only')
    throw new MerapiError(
      'wrong_input',
      'remote_node is for secondary instances; give iallocator for primary ones',
    );
  if (remote.uuid === node.uuid)
    throw new MerapiError('wrong_input', `Node ${node.name} cannot take what leaves it`);
  checkTakes(remote);
}

function secondary(
  instance_name: string,
  remote: Node | null,
  iallocator: string | null,
  { early_release }: Request,
): OpInput {
  const where = remote ? { remote_node: remote.name } : { iallocator };
  return {
    OP_ID: 'OP_INSTANCE_REPLACE_DISKS',
    instance_name,
    mode: 'replace_new_secondary',
    early_release,
    ...where,
  };
}

/** What moves the primary instances of a node. @throws MerapiError wrong_state naming those that cannot be moved */
function primaries(
  { view, runtime, log }: CheckContext,
  node: Node,
  iallocator: string | null,
  { ignore_soft_errors }: Request,
): OpInput[] {
  const instances = view.instancesOn(node.uuid);
  const isBound = (instance: Instance) =>
    instance.disk_template !== 'drbd' && !diskTemplatesOnAllNodes.includes(instance.disk_template);
  const bound = instances.filter(isBound).map(({ name }) => name);
  if (bound.length > 0) {
    const text = `The disks of these instances are on ${node.name} alone: ${bound.join(', ')}`;
    if (!ignore_soft_errors)
      throw new MerapiError('wrong_state', `${text}; move them, or give ignore_soft_errors`);
    log(text);
  }
  return instances
    .filter((instance) => !isBound(instance))
    .map((instance) => ({
      OP_ID: isRunning(runtime, instance) ? 'OP_INSTANCE_MIGRATE' : 'OP_INSTANCE_FAILOVER',
      instance_name: instance.name,
      ...(instance.disk_template === 'drbd' ? {} : { iallocator }),
    }));
}
