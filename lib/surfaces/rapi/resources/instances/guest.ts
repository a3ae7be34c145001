import * as z from 'zod';
import { MerapiError } from '../../../../base/errors.ts';
import { type AgentCommandName, agentCommands } from '../../../../model/guest-agent/commands.ts';
import { item, type Method, type Resource, secretBodyAs } from '../../resource.ts';
import { submits } from '../../submission.ts';
import { LONGEST_TIMEOUT, timeoutArgument, timeoutOf } from './guest-arguments.ts';
import { readFile, writeFile } from './guest-file.ts';

const items = ['instance_name'];
const submission = { items, optionalDryRun: true } as const;

/** The answer of an agent, which is passed on unchanged. */
const answered = (result: z.ZodType) => z.object({ return: result });

/** A method that answers with what the agent answers to a command without arguments. */
function reading(command: AgentCommandName, doc: string): Method {
  return {
    access: agentCommands[command].right,
    opcode: null,
    doc: `${doc} The answer of the command ${command}.`,
    args: { timeout: timeoutArgument },
    answer: answered(agentCommands[command].result ?? z.null()),
    handle: async (call) => ({
      return: await call.manager.askGuest(call.principal, item(call), command, {
        timeout: timeoutOf(call),
        signal: call.signal(),
      }),
    }),
  };
}

/** The resources that only read, by the last part of their path. */
const readings: Readonly<Record<string, [command: AgentCommandName, doc: string]>> = {
  info: ['guest-info', "The agent's version and commands."],
  osinfo: ['guest-get-osinfo', 'The operating system.'],
  hostname: ['guest-get-host-name', 'The host name.'],
  timezone: ['guest-get-timezone', 'The time zone.'],
  users: ['guest-get-users', 'The users that are logged in.'],
  network: ['guest-network-get-interfaces', 'The network interfaces with their addresses.'],
  routes: ['guest-network-get-route', 'The routes.'],
  load: ['guest-get-load', 'The load averages.'],
  'memory-block-info': ['guest-get-memory-block-info', 'The size of a memory block in bytes.'],
  filesystems: ['guest-get-fsinfo', 'The mounted file systems.'],
  disks: ['guest-get-disks', 'The disks and partitions.'],
  diskstats: ['guest-get-diskstats', 'The counters of the disks.'],
  cpustats: ['guest-get-cpustats', 'The counters of the processors.'],
  devices: ['guest-get-devices', 'The devices with their drivers; Windows only.'],
};

const standing: Method = {
  access: 'guest-read',
  opcode: null,
  doc: 'How the agent of the guest stands; `channel` says whether a program in the guest has opened its port.',
  answer: z.object({
    running: z.boolean(),
    channel: z.enum(['open', 'closed', 'unknown']),
    version: z.string().nullable(),
    commands: z.array(z.object({ name: z.string(), enabled: z.boolean() })).nullable(),
    last_seen: z.number().nullable(),
    frozen: z.boolean(),
  }),
  handle: async (call) => {
    const { open, ...rest } = await call.manager.guestStanding(call.principal, item(call), call.signal());
    const channel = open === null ? 'unknown' : open ? 'open' : 'closed';
    return { ...rest, channel };
  },
};

const ping: Method = {
  access: 'guest-read',
  opcode: null,
  doc: 'Whether the agent answers, and after how many seconds.',
  args: { timeout: timeoutArgument },
  answer: z.object({ alive: z.boolean(), rtt: z.number().nullable() }),
  handle: async (call) => {
    const begin = call.clock.now();
    const question = { timeout: timeoutOf(call), signal: call.signal() };
    try {
      await call.manager.askGuest(call.principal, item(call), 'guest-ping', question);
      return { alive: true, rtt: (call.clock.now() - begin) / 1000 };
    } catch (error) {
      const isSilent = error instanceof MerapiError && ['timeout', 'unavailable'].includes(error.code);
      if (!isSilent) throw error;
      return { alive: false, rtt: null };
    }
  },
};

const output: Method = {
  access: 'guest-exec',
  opcode: null,
  doc: 'How a program stands that was started in the guest, and its output in base64, which is kept for an hour after its end.',
  answer: z.object({
    pid: z.number(),
    exited: z.boolean(),
    exitcode: z.number().nullable(),
    signal: z.number().nullable(),
    out: z.string(),
    err: z.string(),
    out_truncated: z.boolean(),
    err_truncated: z.boolean(),
  }),
  example: { items: ['web1.example.com', '1234'] },
  handle: (call) =>
    call.manager.guestOutput(call.principal, item(call), Number(item(call, 1)), call.signal()),
};

const sshKeys: Method = {
  access: 'guest-read',
  opcode: null,
  doc: 'The public keys in the authorized_keys of a user of the guest. The answer of the command guest-ssh-get-authorized-keys.',
  args: { timeout: timeoutArgument },
  answer: answered(agentCommands['guest-ssh-get-authorized-keys'].result),
  example: { items: ['web1.example.com', 'root'] },
  handle: async (call) => ({
    return: await call.manager.askGuest(call.principal, item(call), 'guest-ssh-get-authorized-keys', {
      ...{ args: { username: item(call, 1) }, timeout: timeoutOf(call), signal: call.signal() },
    }),
  }),
};

const CommandBody = z.strictObject({
  execute: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, 'the name of a command'),
  arguments: z.record(z.string(), z.unknown()).default({}),
  timeout: z.number().int().min(1).max(LONGEST_TIMEOUT).optional(),
});

const command: Method = {
  access: 'guest-raw',
  opcode: null,
  doc: 'Sends any command to the agent, also one that Merapi does not know, and answers with what the agent answers. It makes no job.',
  body: CommandBody,
  answer: answered(z.unknown()),
  example: { items: ['web1.example.com'], body: { execute: 'guest-get-osinfo' } },
  handle: async (call) => {
    const { execute, arguments: args, timeout } = secretBodyAs(call, CommandBody);
    const question = { args, timeout: timeout === undefined ? null : timeout * 1000, signal: call.signal() };
    return { return: await call.manager.sendToGuest(call.principal, item(call), execute, question) };
  },
};

const path = (rest: string) => `/2/instances/{name}/guest${rest}`;
const name = (rest: string) => `instances_name_guest${rest}`;

/** The agents inside of guests. */
export const instanceGuestResources: readonly Resource[] = [
  { name: name(''), path: path(''), methods: { GET: standing } },
  { name: name('_ping'), path: path('/ping'), methods: { GET: ping } },
  ...Object.entries(readings).map(([part, [agentCommand, doc]]) => ({
    name: name(`_${part.replaceAll('-', '_')}`),
    path: path(`/${part}`),
    methods: { GET: reading(agentCommand, doc) },
  })),
  {
    name: name('_time'),
    path: path('/time'),
    methods: {
      GET: reading('guest-get-time', 'The time of the guest in nanoseconds since 1970.'),
      PUT: submits('OP_GUEST_SET_TIME', submission),
    },
  },
  {
    name: name('_vcpus'),
    path: path('/vcpus'),
    methods: {
      GET: reading('guest-get-vcpus', 'The virtual processors.'),
      PUT: submits('OP_GUEST_SET_VCPUS', submission),
    },
  },
  {
    name: name('_memory_blocks'),
    path: path('/memory-blocks'),
    methods: {
      GET: reading('guest-get-memory-blocks', 'The memory blocks.'),
      PUT: submits('OP_GUEST_SET_MEMBLOCKS', submission),
    },
  },
  {
    name: name('_fsfreeze'),
    path: path('/fsfreeze'),
    methods: {
      GET: reading('guest-fsfreeze-status', 'Whether file systems are frozen.'),
      PUT: submits('OP_GUEST_FSFREEZE', submission),
      DELETE: submits('OP_GUEST_FSTHAW', submission),
    },
  },
  { name: name('_fstrim'), path: path('/fstrim'), methods: { PUT: submits('OP_GUEST_FSTRIM', submission) } },
  {
    name: name('_users_name_password'),
    path: path('/users/{name}/password'),
    methods: {
      PUT: submits('OP_GUEST_SET_PASSWORD', { items: [...items, 'username'], optionalDryRun: true }),
    },
  },
  {
    name: name('_users_name_ssh_keys'),
    path: path('/users/{name}/ssh-keys'),
    methods: {
      GET: sshKeys,
      PUT: submits('OP_GUEST_SSH_KEYS', { items: [...items, 'username'], optionalDryRun: true }),
      DELETE: submits('OP_GUEST_SSH_KEYS', {
        ...{ items: [...items, 'username'], optionalDryRun: true },
        fixed: { action: 'remove' },
      }),
    },
  },
  { name: name('_file'), path: path('/file'), methods: { GET: readFile, PUT: writeFile } },
  { name: name('_exec'), path: path('/exec'), methods: { POST: submits('OP_GUEST_EXEC', submission) } },
  { name: name('_exec_pid'), path: path('/exec/{id}'), methods: { GET: output } },
  { name: name('_power'), path: path('/power'), methods: { PUT: submits('OP_GUEST_POWER', submission) } },
  { name: name('_command'), path: path('/command'), methods: { POST: command } },
];
