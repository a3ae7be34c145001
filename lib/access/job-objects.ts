import type { NamedRef } from '../model/access.ts';
import type { Job, JobOp } from '../model/job.ts';
import type { ClusterView } from '../model/view.ts';
import { naming, objectsOf, theCluster } from '../opcodes/objects.ts';
import { opcodeOf, opcodes } from '../opcodes/registry.ts';

/**
 * The objects whose rights decide who may see or change a job: those that its request names. An object that the job creates counts as
 * soon as it exists; one that it removed is still known by the uuid that checking filled in. Nodes that an allocator chose do not
 * count: they belong to the placement of the instance.
 */
export function objectsOfJob({ ops }: Job, view: ClusterView): readonly NamedRef[] {
  return ops.flatMap((op) => {
    if (!Object.hasOwn(opcodes, op.input.OP_ID)) return [theCluster]; // an opcode of another release
    const opcode = opcodeOf(op.input.OP_ID);
    return objectsOf({ ...opcode, makes: undefined }, requested(op), view);
  });
}

/** The values of the request, with the uuids of the objects that it names. */
function requested({ input, resolved }: JobOp): Record<string, unknown> {
  const values: Record<string, unknown> = { ...input };
  for (const { name, uuid } of naming)
    if (uuid && [input[name] ?? []].flat().length > 0) values[uuid] = resolved[uuid] ?? input[uuid];
  return values;
}
