import { MerapiError } from '../../../../base/errors.ts';
import type { Json } from '../../../../base/json.ts';
import { bodyObject, type Call, item, type Method, type Resource } from '../../resource.ts';
import { submits } from '../../submission.ts';
import { quietDryRun, submit } from '../../submit.ts';

const how = { items: ['instance_name'], quietDryRun: true } as const;

const grow: Method = {
  ...submits('OP_INSTANCE_GROW_DISK', { ...how, items: ['instance_name', 'disk'] }),
  handle: (call) =>
    submit(
      call,
      'OP_INSTANCE_GROW_DISK',
      { instance_name: item(call), disk: Number(item(call, 1)), ...quietDryRun(call) },
      bodyObject(call),
    ),
};

const text = (doc: string) =>
  ({ kind: 'text', doc: `${doc} An old form of the parameter in the body.` }) as const;

/** The arguments of the old form of replace-disks, taken where there is no body. */
const oldArguments = {
  mode: text('What to replace.'),
  disks: text('Numbers of disks with commas between them.'),
  remote_node: text('The new secondary node.'),
  iallocator: text('The allocator that chooses it.'),
};

const plainReplace = submits('OP_INSTANCE_REPLACE_DISKS', how);
const replace: Method = {
  ...plainReplace,
  args: { ...plainReplace.args, ...oldArguments },
  handle: (call) =>
    submit(
      call,
      'OP_INSTANCE_REPLACE_DISKS',
      { instance_name: item(call), ...quietDryRun(call) },
      replacement(call),
    ),
};

/** What a request says of a replacement, in its body or in the arguments of its URL. @throws MerapiError wrong_input */
function replacement(call: Call): { [key: string]: Json } {
  const body = bodyObject(call);
  const old = Object.keys(oldArguments).map((name) => [name, call.query.text(name)] as const);
  const given = old.filter(([, value]) => value !== null);
  const { disks, ...rest }: { [key: string]: Json } =
    Object.keys(body).length > 0 ? body : Object.fromEntries(given);
  if (typeof disks !== 'string') return disks === undefined || disks === null ? rest : { ...rest, disks };
  const numbers = disks === '' ? [] : disks.split(',').map((part) => part.trim());
  const wrong = numbers.find((part) => !/^[0-9]+$/.test(part));
  if (wrong !== undefined)
    throw new MerapiError('wrong_input', `'disks' must be numbers with commas between them, not '${disks}'`);
  return { ...rest, disks: numbers.map(Number) };
}

/** The disks of one instance. */
export const instanceDiskResources: readonly Resource[] = [
  {
    name: 'instances_name_disk_grow',
    path: '/2/instances/{name}/disk/{id}/grow',
    methods: { POST: grow },
  },
  {
    name: 'instances_name_activate_disks',
    path: '/2/instances/{name}/activate-disks',
    methods: {
      PUT: submits('OP_INSTANCE_ACTIVATE_DISKS', {
        ...how,
        args: { ignore_size: { kind: 'flag', doc: 'Accept disks that have another size than they should.' } },
      }),
    },
  },
  {
    name: 'instances_name_deactivate_disks',
    path: '/2/instances/{name}/deactivate-disks',
    methods: { PUT: submits('OP_INSTANCE_DEACTIVATE_DISKS', how) },
  },
  {
    name: 'instances_name_recreate_disks',
    path: '/2/instances/{name}/recreate-disks',
    methods: { POST: submits('OP_INSTANCE_RECREATE_DISKS', how) },
  },
  {
    name: 'instances_name_replace_disks',
    path: '/2/instances/{name}/replace-disks',
    methods: { POST: replace },
  },
];
