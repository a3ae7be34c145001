import type { ParamValues } from '../model/enforce.ts';
import { fillIPolicy, fillNdParams } from '../model/fill.ts';
import { compareNames } from '../model/names.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { groupFields } from '../query/fields/group.ts';
import { type FieldReader, type FieldReaders, normal, type ReadContext } from './define.ts';
import { ndParamValues } from './node.ts';

/** A node group with the context in which it is read. */
export class GroupRow {
  readonly group: NodeGroup;
  readonly ctx: ReadContext;

  constructor(group: NodeGroup, ctx: ReadContext) {
    this.group = group;
    this.ctx = ctx;
  }

  get ndparams(): ParamValues {
    return fillNdParams(this.ctx.view.cluster, this.group);
  }

  /** The names of the instances whose primary node is in the group. */
  get instanceNames(): string[] {
    const { view } = this.ctx;
    const names = view
      .nodesOf(this.group.uuid)
      .flatMap((node) => view.instancesOn(node.uuid).map(({ name }) => name));
    return names.sort(compareNames);
  }

  /** How many these are; cheaper than making the list of names. */
  get instanceCount(): number {
    const { view } = this.ctx;
    return view.nodesOf(this.group.uuid).reduce((sum, node) => sum + view.instancesOn(node.uuid).length, 0);
  }
}

const values: Record<keyof typeof groupFields, FieldReader<GroupRow>> = {
  alloc_policy: ({ group }) => normal(group.alloc_policy),
  ctime: ({ group }) => normal(group.ctime),
  custom_diskparams: ({ group }) => normal(group.diskparams),
  custom_ipolicy: ({ group }) => normal(group.ipolicy),
  custom_ndparams: ({ group }) => normal(group.ndparams),
  // As recorded from Ganeti: a group's parameters of a template replace those of the cluster, and are not merged with them.
  diskparams: ({ group, ctx }) => normal({ ...ctx.view.cluster.diskparams, ...group.diskparams }),
  ipolicy: ({ group, ctx }) => normal(fillIPolicy(ctx.view.cluster.ipolicy, group.ipolicy)),
  mtime: ({ group }) => normal(group.mtime),
  name: ({ group }) => normal(group.name),
  ndparams: ({ ndparams }) => normal(ndparams),
  node_cnt: ({ group, ctx }) => normal(ctx.view.nodesOf(group.uuid).length),
  node_list: ({ group, ctx }) => normal(ctx.view.nodesOf(group.uuid).map((node) => node.name)),
  pinst_cnt: ({ instanceCount }) => normal(instanceCount),
  pinst_list: ({ instanceNames }) => normal(instanceNames),
  serial_no: ({ group }) => normal(group.serial_no),
  tags: ({ group }) => normal(group.tags),
  uuid: ({ group }) => normal(group.uuid),
};

/** The readers of all fields of a node group. */
export const groupValues: FieldReaders<GroupRow> = new Map([
  ...Object.entries(values),
  ...ndParamValues<GroupRow>(),
]);
