import * as z from 'zod';
import { MerapiError } from '../../../../base/errors.ts';
import { type Argument, bodyAs, bodyObject, type Call, item, type Resource } from '../../resource.ts';
import { commonArguments, submits } from '../../submission.ts';
import { submitAll } from '../../submit.ts';

const items = ['instance_name'];

/** Other members are ignored, as in Ganeti. */
const reinstallBody = z.object({
  os: z.string().min(1).nullable().optional(),
  start: z.boolean().optional(),
  osparams: z.record(z.string(), z.unknown()).nullable().optional(),
});

/** Changes of one instance: its parameters, its name, its OS. */
export const instanceChangeResources: readonly Resource[] = [
  {
    name: 'instances_name_modify',
    path: '/2/instances/{name}/modify',
    methods: {
      PUT: submits('OP_INSTANCE_SET_PARAMS', {
        items,
        body: { custom_beparams: 'beparams', custom_hvparams: 'hvparams' },
        optionalDryRun: true,
      }),
    },
  },
  {
    name: 'instances_name_rename',
    path: '/2/instances/{name}/rename',
    methods: { PUT: submits('OP_INSTANCE_RENAME', { items, optionalDryRun: true }) },
  },
  {
    name: 'instances_name_reinstall',
    path: '/2/instances/{name}/reinstall',
    methods: {
      POST: {
        access: 'write',
        opcode: null,
        doc: 'Reinstalls the OS: shuts the instance down, reinstalls it, and starts it again. Returns the id of the job.',
        args: {
          os: { kind: 'text', doc: 'The OS, in the old form of the request without a body.' },
          nostartup: {
            kind: 'flag',
            doc: 'Do not start the instance afterwards, in the old form of the request without a body.',
          },
          reason: commonArguments.reason as Argument,
        },
        body: reinstallBody,
        answer: z.number(),
        example: { items: ['web1.example.com'], body: { os: 'debian', start: true } },
        handle: reinstall,
      },
    },
  },
];

/** Submits one job of up to three opcodes. If one fails, the later ones do not run, and the request can be repeated. */
function reinstall(call: Call): Promise<number> {
  const { query } = call;
  const body = bodyObject(call);
  const isOldForm = query.text('os') !== null || query.text('nostartup') !== null;
  if (isOldForm && Object.keys(body).length > 0)
    throw new MerapiError('wrong_input', 'Give the parameters in the URL or in the body, not in both');
  const given = isOldForm ? { os: query.text('os'), start: !query.flag('nostartup') } : body;
  const { os = null, start = true, osparams = null } = bodyAs(call, reinstallBody, given);
  const instance_name = item(call);
  return submitAll(call, [
    { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name },
    { OP_ID: 'OP_INSTANCE_REINSTALL', instance_name, os_type: os, osparams },
    ...(start ? [{ OP_ID: 'OP_INSTANCE_STARTUP', instance_name }] : []),
  ]);
}
