import type { EndState, StoredJobRow, StoredOp } from '../state.ts';

/** What must be true of an instance after all that succeeded; null where that is not known. */
export interface ExpectedInstance {
  /** The job that made it. */
  job: number;
  isUp: boolean;
  /** What an import takes from its export is not known. */
  sizes: number[] | null;
  tags: Set<string> | null;
  nics: number | null;
  vcpus: number | null;
  node: string | null;
}

/** What the cluster must hold. */
interface Expected {
  instances: Map<string, ExpectedInstance>;
  groups: Set<string>;
  networks: Set<string>;
  /** The node that keeps the export of an instance, by the name of the instance. */
  exports: Map<string, string>;
  clusterTags: Set<string>;
  /** The group of each node that was given one. */
  groupOf: Map<string, string>;
  /** Whether a node is drained, of those of which that was said last. */
  drained: Map<string, boolean>;
  /** The addresses of networks of which that was said, as NETWORK/ADDRESS: whether they are reserved. */
  reserved: Map<string, boolean>;
}

type Values = StoredOp['input'];
type Effect = (expected: Expected, values: Values, job: number) => void;

const textOf = (values: Values, name = 'instance_name') => String(values[name]);
const sizesIn = (list: unknown) => (list as { size: number }[]).map(({ size }) => size);

const devicesIn = (changes: unknown) => (changes ?? []) as [string, unknown, Record<string, unknown>][];

type Made = Pick<ExpectedInstance, 'sizes' | 'tags' | 'nics' | 'vcpus'>;

function made({ disks, nics, tags }: Values): Made {
  return {
    sizes: sizesIn(disks),
    tags: new Set(tags as string[]),
    nics: (nics as unknown[]).length,
    vcpus: null,
  };
}

/** Lists that a request leaves empty come from the export. */
function imported({ disks, nics }: Values): Made {
  const given = (list: unknown) => ((list as unknown[]).length > 0 ? (list as unknown[]) : null);
  return {
    sizes: given(disks) && sizesIn(disks),
    nics: given(nics)?.length ?? null,
    ...{ tags: null, vcpus: null },
  };
}

/** Changes the expectation of one instance, if there is one. */
const ofInstance =
  (change: (instance: ExpectedInstance, values: Values) => void): Effect =>
  ({ instances }, values) => {
    const instance = instances.get(textOf(values));
    if (instance) change(instance, values);
  };

const moves = ofInstance((instance, { target_node }) => {
  instance.node = typeof target_node === 'string' ? target_node : null;
});

/** What each opcode does to the cluster when it succeeds. Those that are not here change nothing that is looked at. */
const effects: Readonly<Record<string, Effect>> = {
  OP_INSTANCE_CREATE: ({ instances }, values, job) => {
    instances.set(textOf(values), {
      job,
      isUp: values.start !== false,
      ...(values.mode === 'import' ? imported(values) : made(values)),
      node: typeof values.pnode === 'string' ? values.pnode : null,
    });
  },
  OP_INSTANCE_REMOVE: ({ instances }, values) => {
    instances.delete(textOf(values));
  },
  OP_INSTANCE_RENAME: ({ instances }, values) => {
    const instance = instances.get(textOf(values));
    instances.delete(textOf(values));
    if (instance) instances.set(textOf(values, 'new_name'), instance);
  },
  OP_INSTANCE_STARTUP: ofInstance((instance) => {
    instance.isUp = true;
  }),
  OP_INSTANCE_REBOOT: ofInstance((instance) => {
    instance.isUp = true;
  }),
  OP_INSTANCE_SHUTDOWN: ofInstance((instance) => {
    instance.isUp = false;
  }),
  OP_INSTANCE_FAILOVER: moves,
  OP_INSTANCE_MIGRATE: moves,
  OP_INSTANCE_GROW_DISK: ofInstance(({ sizes }, { disk, amount }) => {
    if (sizes) sizes[Number(disk)] = (sizes[Number(disk)] ?? 0) + Number(amount);
  }),
  OP_INSTANCE_SET_PARAMS: ofInstance((instance, values) => {
    for (const [what, , how] of devicesIn(values.disks))
      if (what === 'add') instance.sizes?.push(Number(how.size));
      else if (what === 'remove') instance.sizes?.pop();
    for (const [what] of devicesIn(values.nics))
      if (instance.nics !== null) instance.nics += what === 'add' ? 1 : -1;
    const { vcpus } = values.beparams as { vcpus?: number };
    if (vcpus !== undefined) instance.vcpus = vcpus;
  }),
  OP_BACKUP_EXPORT: ({ instances, exports }, values) => {
    exports.set(textOf(values), textOf(values, 'target_node'));
    if (values.remove_instance === true) instances.delete(textOf(values));
  },
  OP_BACKUP_REMOVE: ({ exports }, values) => {
    exports.delete(textOf(values));
  },
  OP_TAGS_SET: (expected, values) => {
    for (const tag of values.tags as string[]) tagsOf(expected, values)?.add(tag);
  },
  OP_TAGS_DEL: (expected, values) => {
    for (const tag of values.tags as string[]) tagsOf(expected, values)?.delete(tag);
  },
  OP_GROUP_ADD: ({ groups }, values) => {
    groups.add(textOf(values, 'group_name'));
  },
  OP_GROUP_REMOVE: ({ groups }, values) => {
    groups.delete(textOf(values, 'group_name'));
  },
  OP_GROUP_RENAME: ({ groups, groupOf }, values) => {
    const [old, now] = [textOf(values, 'group_name'), textOf(values, 'new_name')];
    groups.delete(old);
    groups.add(now);
    for (const [node, group] of groupOf) if (group === old) groupOf.set(node, now);
  },
  OP_GROUP_ASSIGN_NODES: ({ groupOf }, values) => {
    for (const node of values.nodes as string[]) groupOf.set(node, textOf(values, 'group_name'));
  },
  OP_NETWORK_ADD: ({ networks }, values) => {
    networks.add(textOf(values, 'network_name'));
  },
  OP_NETWORK_REMOVE: ({ networks, reserved }, values) => {
    const name = textOf(values, 'network_name');
    networks.delete(name);
    for (const key of [...reserved.keys()]) if (key.startsWith(`${name}/`)) reserved.delete(key);
  },
  OP_NETWORK_SET_PARAMS: ({ reserved }, values) => {
    for (const [what, is] of [
      ['add_reserved_ips', true],
      ['remove_reserved_ips', false],
    ] as const)
      for (const address of (values[what] ?? []) as string[])
        reserved.set(`${textOf(values, 'network_name')}/${address}`, is);
  },
  OP_NODE_SET_PARAMS: ({ drained }, values) => {
    const name = textOf(values, 'node_name');
    if (typeof values.drained === 'boolean') drained.set(name, values.drained);
    else drained.delete(name);
  },
};

function tagsOf(
  { instances, clusterTags }: Expected,
  { kind, name }: Values,
): Set<string> | null | undefined {
  return kind === 'cluster' ? clusterTags : instances.get(String(name))?.tags;
}

/** The opcodes that have succeeded, with their jobs, in the order in which they ended. */
function succeeded(jobs: readonly StoredJobRow[]): { job: number; op: StoredOp }[] {
  return jobs
    .flatMap(({ id, ops }) => ops.map((op) => ({ job: id, op })))
    .filter(({ op }) => op.status === 'success' && op.input.dry_run !== true)
    .sort((a, b) => (a.op.end ?? 0) - (b.op.end ?? 0) || a.job - b.job);
}

/** What the cluster must hold after the jobs: each opcode that succeeded has had its effect once, the others none. */
export function expectedOf({ jobs }: Pick<EndState, 'jobs'>): Expected {
  const expected: Expected = {
    instances: new Map(),
    groups: new Set(['default']),
    networks: new Set(),
    exports: new Map(),
    clusterTags: new Set(),
    groupOf: new Map(),
    drained: new Map(),
    reserved: new Map(),
  };
  for (const { job, op } of succeeded(jobs)) {
    const resolved = Object.entries(op.resolved).filter(([, value]) => value !== null);
    effects[op.input.OP_ID]?.(expected, { ...op.input, ...Object.fromEntries(resolved) }, job);
  }
  return expected;
}
