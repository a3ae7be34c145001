import { MerapiError } from '../../../../base/errors.ts';
import type { Json } from '../../../../base/json.ts';
import { bodyObject, type Call, item, type Method, type Resource } from '../../resource.ts';
import { submits } from '../../submission.ts';
import { optionalDryRun, submit } from '../../submit.ts';

const submission = { items: ['instance_name'], optionalDryRun: true } as const;

/** The index of the disk is in the path as a text, and a number in the opcode. */
const grow: Method = {
  ...submits('OP_INSTANCE_GROW_DISK', { ...submission, items: ['instance_name', 'disk'] }),
  handle: (call) =>
    submit(
      call,
      'OP_INSTANCE_GROW_DISK',
      { instance_name: item(call), disk: Number(item(call, 1)), ...optionalDryRun(call) },
      bodyObject(call),
    ),
};

/** An argument of an old form of a request. */
const text = (doc: string) =>
  ({ kind: 'text', doc: `${doc} An old form of the parameter in the body.` }) as const;

/** The arguments of the old form of replace-disks, which count only when there is no body. */
const oldArguments = {
  mode: text('What to replace.'),
  disks: text('Indexes of disks, separated by commas.'),
  remote_node: text('The new secondary node.'),
  iallocator: text('The allocator that chooses it.'),
};

const plainReplace = submits('OP_INSTANCE_REPLACE_DISKS', submission);
const replace: Method = {
  ...plainReplace,
  args: { ...plainReplace.args, ...oldArguments },
  handle: (call) =>
    submit(
      call,
      'OP_INSTANCE_REPLACE_DISKS',
      { instance_name: item(call), ...optionalDryRun(call) },
      replacement(call),
    ),
};

/**
 * The parameters of a replacement, from the body or from the arguments of the URL; `disks` as a text is split into numbers.
 * @throws MerapiError wrong_input
 */
function replacement(call: Call): { [key: string]: Json } {
  const body = bodyObject(call);
  const old = Object.keys(oldArguments).map((name) => [name, call.query.text(name)] as const);
  const given = old.filter(([, value]) => value !== null);
  const params: { [key: string]: Json } = Object.keys(body).length > 0 ? body : Object.fromEntries(given);
  const { disks, ...rest } = params;
  if (disks === undefined || disks === null) return rest;
  if (typeof disks !== 'string') return { ...rest, disks };
  const numbers = disks === '' ? [] : disks.split(',').map((part) => part.trim());
  const wrong = numbers.find((part) => !/^[0-9]+$/.test(part));
  if (wrong !== undefined)
    throw new MerapiError('wrong_input', `'disks' must be numbers separated by commas, not '${disks}'`);
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
        ...submission,
        args: {
          ignore_size: {
            kind: 'flag',
            doc: 'Activate disks even if their size differs from the recorded one.',
          },
        },
      }),
    },
  },
  {
    name: 'instances_name_deactivate_disks',
    path: '/2/instances/{name}/deactivate-disks',
    methods: { PUT: submits('OP_INSTANCE_DEACTIVATE_DISKS', submission) },
  },
  {
    name: 'instances_name_recreate_disks',
    path: '/2/instances/{name}/recreate-disks',
    methods: { POST: submits('OP_INSTANCE_RECREATE_DISKS', submission) },
  },
  {
    name: 'instances_name_replace_disks',
    path: '/2/instances/{name}/replace-disks',
    methods: { POST: replace },
  },
];
