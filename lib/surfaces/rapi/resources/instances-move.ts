import { MerapiError } from '../../../base/errors.ts';
import type { Call, Method, Resource } from '../resource.ts';
import { submits } from '../submission.ts';
import { submit } from '../submit.ts';

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

/** The moves of instances between nodes. */
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
    name: 'nodes_name_migrate',
    path: '/2/nodes/{name}/migrate',
    methods: { POST: migrateNode },
  },
  {
    name: 'nodes_name_evacuate',
    path: '/2/nodes/{name}/evacuate',
    methods: { POST: submits('OP_NODE_EVACUATE', { items: ['node_name'] }) },
  },
];
