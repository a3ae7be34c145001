import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import { bodyObject, type Call, type Method, type Resource } from '../resource.ts';
import { submits } from '../submission.ts';
import { dryRun, submit } from '../submit.ts';

/** How all instances of a node are moved; the old form has only arguments. */
const nodeMigration = submits('OP_NODE_MIGRATE', { items: ['node_name'], quietDryRun: true });

const migrateNode: Method = {
  ...nodeMigration,
  args: {
    ...nodeMigration.args,
    live: { kind: 'flag', doc: 'The old form of mode: 1 is live, 0 is non-live.' },
    mode: { kind: 'text', doc: '`live` or `non-live`; with it or `live` the body does not count.' },
  },
  handle: (call) => (isOldForm(call) ? migrateOldForm(call) : nodeMigration.handle(call)),
};

const isOldForm = ({ query }: Call) => query.text('live') !== null || query.text('mode') !== null;

function migrateOldForm(call: Call): Promise<number> {
  const { query } = call;
  if (query.text('live') !== null && query.text('mode') !== null)
    throw new MerapiError('bad_request', "Give the argument 'live' or 'mode', not both");
  const mode = query.text('mode') ?? (query.flag('live') ? 'live' : 'non-live');
  const dry_run = query.text('dry-run') === null ? {} : { dry_run: query.flag('dry-run') };
  return submit(call, 'OP_NODE_MIGRATE', { node_name: call.items[0], mode, ...dry_run });
}

/** How instances leave a node; the old form has only arguments, and moves those that have the node as secondary. */
const evacuation = submits('OP_NODE_EVACUATE', { items: ['node_name'] });

const evacuateNode: Method = {
  ...evacuation,
  args: {
    ...evacuation.args,
    iallocator: { kind: 'text', doc: 'The old form of `iallocator` in the body.' },
    remote_node: { kind: 'text', doc: 'The old form of `remote_node` in the body.' },
    early_release: { kind: 'flag', doc: 'The old form of `early_release` in the body.' },
  },
  handle: (call) => {
    const { query } = call;
    const [iallocator, remote_node] = [query.text('iallocator'), query.text('remote_node')];
    const early = query.text('early_release') === null ? {} : { early_release: query.flag('early_release') };
    const given = {
      ...(iallocator === null ? {} : { iallocator }),
      ...(remote_node === null ? {} : { remote_node }),
      ...early,
    };
    if (Object.keys(given).length === 0) return evacuation.handle(call);
    const body = { mode: 'secondary-only', ...bodyObject(call) };
    return submit(call, 'OP_NODE_EVACUATE', { node_name: call.items[0], ...given, ...dryRun(call) }, body);
  },
};

const multi = submits('OP_INSTANCE_MULTI_ALLOC', {});

/** As in single requests, instances may be described with `name` and `os`. */
const multiAllocation: Method = {
  ...multi,
  handle: (call) => {
    const { instances, ...rest } = bodyObject(call);
    if (!Array.isArray(instances))
      throw new MerapiError('bad_request', "'instances' must be a list of descriptions of instances");
    const body = { ...rest, instances: instances.map(withFullNames) };
    return submit(call, 'OP_INSTANCE_MULTI_ALLOC', dryRun(call), body);
  },
};

function withFullNames(description: Json): Json {
  if (typeof description !== 'object' || description === null || Array.isArray(description))
    throw new MerapiError('bad_request', "Each of 'instances' must be an object");
  const { name, os, ...rest } = description;
  return {
    ...rest,
    ...(name === undefined ? {} : { instance_name: name }),
    ...(os === undefined ? {} : { os_type: os }),
  };
}

/** The moves of instances between nodes, and the placement of several new ones. */
export const instanceMoveResources: readonly Resource[] = [
  {
    name: 'instances_name_migrate',
    path: '/2/instances/{name}/migrate',
    methods: { PUT: submits('OP_INSTANCE_MIGRATE', { items: ['instance_name'], quietDryRun: true }) },
  },
  {
    name: 'instances_name_failover',
    path: '/2/instances/{name}/failover',
    methods: { PUT: submits('OP_INSTANCE_FAILOVER', { items: ['instance_name'], quietDryRun: true }) },
  },
  {
    name: 'instances_name_move',
    path: '/2/instances/{name}/move',
    methods: { PUT: submits('OP_INSTANCE_MOVE', { items: ['instance_name'] }) },
  },
  {
    name: 'instances_name_change_group',
    path: '/2/instances/{name}/change-group',
    methods: { PUT: submits('OP_INSTANCE_CHANGE_GROUP', { items: ['instance_name'] }) },
  },
  {
    name: 'nodes_name_migrate',
    path: '/2/nodes/{name}/migrate',
    methods: { POST: migrateNode },
  },
  {
    name: 'nodes_name_evacuate',
    path: '/2/nodes/{name}/evacuate',
    methods: { POST: evacuateNode },
  },
  {
    name: 'instances_multi_alloc',
    path: '/2/instances-multi-alloc',
    methods: { POST: multiAllocation },
  },
];
