import type { ParamValues } from '../model/enforce.ts';
import { fillNdParams } from '../model/fill.ts';
import type { Instance } from '../model/instance.ts';
import { type Node, nodeRole } from '../model/node.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import { ndParamFields, type nodeFields } from '../query/fields/node.ts';
import type { NodeFacts } from '../rpc/types.ts';
import {
  type FieldReader,
  type FieldReaders,
  maybe,
  NODATA,
  normal,
  OFFLINE,
  type ReadContext,
  UNAVAIL,
} from './define.ts';

/** A node with the context in which it is read. */
export class NodeRow {
  readonly node: Node;
  readonly ctx: ReadContext;
  #instances: readonly Instance[] | null = null;
  #secondaries: readonly Instance[] | null = null;

  constructor(node: Node, ctx: ReadContext) {
    this.node = node;
    this.ctx = ctx;
  }

  get group(): NodeGroup | undefined {
    return this.ctx.view.groups.get(this.node.group);
  }

  /** The instances that have it as their primary node. */
  get instances(): readonly Instance[] {
    this.#instances ??= this.ctx.view.instancesOn(this.node.uuid);
    return this.#instances;
  }

  /** The instances that have it as their secondary node. */
  get secondaries(): readonly Instance[] {
    this.#secondaries ??= this.ctx.view.secondariesOn(this.node.uuid);
    return this.#secondaries;
  }

  get ndparams(): ParamValues {
    return fillNdParams(this.ctx.view.cluster, this.group, this.node.ndparams);
  }
}

/** A reader of a fact that the node reports: OFFLINE or NODATA when it is marked offline or unreachable. */
function fact(name: keyof NodeFacts): FieldReader<NodeRow> {
  return ({ node, ctx }) => {
    if (node.offline) return OFFLINE;
    const facts = ctx.runtime.of(node.uuid);
    return facts ? maybe(facts.node[name]) : NODATA;
  };
}

const values: Record<keyof typeof nodeFields, FieldReader<NodeRow>> = {
  bootid: fact('bootid'),
  cnodes: fact('cpu_nodes'),
  cnos: fact('cpu_dom0'),
  csockets: fact('cpu_sockets'),
  ctime: ({ node }) => normal(node.ctime),
  ctotal: fact('cpu_total'),
  custom_ndparams: ({ node }) => normal(node.ndparams),
  dfree: fact('disk_free'),
  // The model has no fixed values of storage and hypervisors, so nobody can have set them.
  disk_state: () => UNAVAIL,
  drained: ({ node }) => normal(node.drained),
  dtotal: fact('disk_total'),
  group: ({ group }) => maybe(group?.name),
  'group.uuid': ({ node }) => normal(node.group),
  hv_state: () => UNAVAIL,
  master: ({ node, ctx }) => normal(node.uuid === ctx.view.cluster.master_node),
  master_candidate: ({ node }) => normal(node.master_candidate),
  master_capable: ({ node }) => normal(node.master_capable),
  mfree: fact('memory_free'),
  mnode: fact('memory_dom0'),
  mtime: ({ node }) => normal(node.mtime),
  mtotal: fact('memory_total'),
  name: ({ node }) => normal(node.name),
  ndparams: ({ ndparams }) => normal(ndparams),
  offline: ({ node }) => normal(node.offline),
  pinst_cnt: ({ instances }) => normal(instances.length),
  pinst_list: ({ instances }) => normal(instances.map((instance) => instance.name)),
  pip: ({ node }) => normal(node.primary_ip),
  // Only an out-of-band program could report it, and queries do not run it.
  powered: () => UNAVAIL,
  role: ({ node, ctx }) => normal(nodeRole(node, ctx.view.cluster.master_node)),
  serial_no: ({ node }) => normal(node.serial_no),
  sinst_cnt: ({ secondaries }) => normal(secondaries.length),
  sinst_list: ({ secondaries }) => normal(secondaries.map((instance) => instance.name)),
  sip: ({ node }) => normal(node.secondary_ip),
  spfree: fact('spindles_free'),
  sptotal: fact('spindles_total'),
  tags: ({ node }) => normal(node.tags),
  uuid: ({ node }) => normal(node.uuid),
  vm_capable: ({ node }) => normal(node.vm_capable),
};

/** Readers of the fields `ndp/NAME` for rows that have node parameters. */
export function ndParamValues<Row extends { readonly ndparams: ParamValues }>(): [
  string,
  FieldReader<Row>,
][] {
  return Object.keys(ndParamFields).map((name) => {
    const param = name.slice('ndp/'.length);
    return [name, ({ ndparams }) => (Object.hasOwn(ndparams, param) ? normal(ndparams[param]) : UNAVAIL)];
  });
}

/** The readers of all fields of a node. */
export const nodeValues: FieldReaders<NodeRow> = new Map([
  ...Object.entries(values),
  ...ndParamValues<NodeRow>(),
]);
