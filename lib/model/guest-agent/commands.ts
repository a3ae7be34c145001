// Every command of QEMU's guest agent, under its own name: the 26 of the schema of 2015 (QEMU 2.3) and those that came until QEMU 11.
// Both the master (documentation, values of opcodes) and the workers use this table. docs/guest-agent.md is generated from it.
import * as z from 'zod';
import type { GuestRight } from '../access.ts';
import * as s from './structures.ts';

/** A command of the agent. */
export interface AgentCommand {
  readonly args: z.ZodObject;
  /** The schema of the answer; null when the command has no answer on success. */
  readonly result: z.ZodType | null;
  /** The right that a user needs. */
  readonly right: GuestRight;
  /** The release of QEMU that brought it. */
  readonly since: string;
  /** Milliseconds until a command without an answer fails. */
  readonly timeout: number;
  /** The most bytes of an answer. */
  readonly size: number;
  /** Whether it only reads: it may be repeated, and needs no job. */
  readonly reads: boolean;
  /** Whether the agent answers it while file systems are frozen. */
  readonly whileFrozen: boolean;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;

/** The limits of an ordinary command. */
const ordinary = { timeout: 5 * SECOND, size: MIB, reads: false, whileFrozen: false } as const;
/** The most bytes that one guest-file-read or guest-file-write carries: the agent's parser takes no more at a time. */
export const FILE_CHUNK = MIB;
/** The agent keeps 16 MiB of each of the two outputs of a program; base64 makes a third more of them. */
const OUTPUTS = 2 * 24 * MIB;

const none = z.strictObject({});
const nothing = z.looseObject({});

type Limits = Partial<Pick<AgentCommand, 'timeout' | 'size' | 'whileFrozen'>>;

function reading<A extends z.ZodObject, R extends z.ZodType>(
  since: string,
  args: A,
  result: R,
  limits: Limits = {},
) {
  return { ...ordinary, args, result, right: 'guest-read', since, ...limits, reads: true } as const;
}

function changing<A extends z.ZodObject, R extends z.ZodType | null>(
  right: GuestRight,
  since: string,
  args: A,
  result: R,
  limits: Limits = {},
) {
  return { ...ordinary, args, result, right, since, ...limits };
}

const byHandle = z.strictObject({ handle: s.integer });
const sync = z.strictObject({ id: s.integer });
const slow = { timeout: 30 * SECOND };
const user = { username: z.string() };

export const agentCommands = {
  'guest-sync-delimited': reading('1.1', sync, s.integer, { whileFrozen: true }),
  'guest-sync': reading('0.15', sync, s.integer, { whileFrozen: true }),
  'guest-ping': reading('0.15', none, nothing, { whileFrozen: true }),
  'guest-info': reading('0.15', none, s.AgentInfo, { whileFrozen: true }),
  'guest-get-time': reading('1.5', none, s.integer),
  'guest-set-time': changing(
    'guest-power',
    '1.5',
    z.strictObject({ time: s.integer.optional() }),
    nothing,
    slow,
  ),
  'guest-get-timezone': reading('2.10', none, s.Timezone),
  'guest-get-host-name': reading('2.10', none, s.HostName),
  'guest-get-osinfo': reading('2.10', none, s.OsInfo),
  'guest-get-users': reading('2.10', none, z.array(s.User)),
  'guest-get-load': reading('10.0', none, s.Load),
  'guest-get-devices': reading('5.2', none, z.array(s.Device), slow),
  'guest-network-get-interfaces': reading('1.1', none, z.array(s.Interface)),
  'guest-network-get-route': reading('9.1', none, z.array(s.Route)),

  'guest-get-vcpus': reading('1.5', none, z.array(s.Processor)),
  'guest-set-vcpus': changing(
    'guest-power',
    '1.5',
    z.strictObject({ vcpus: z.array(s.Processor) }),
    s.integer,
    slow,
  ),
  'guest-get-memory-blocks': reading('2.3', none, z.array(s.MemoryBlock)),
  'guest-get-memory-block-info': reading('2.3', none, s.MemoryBlockInfo),
  'guest-set-memory-blocks': changing(
    'guest-power',
    '2.3',
    z.strictObject({ 'mem-blks': z.array(s.MemoryBlock) }),
    z.array(s.MemoryBlockResponse),
    slow,
  ),

  'guest-get-disks': reading('5.2', none, z.array(s.Disk)),
  'guest-get-diskstats': reading('7.1', none, z.array(s.DiskStatistics)),
  'guest-get-cpustats': reading('7.1', none, z.array(s.ProcessorStatistics)),
  'guest-get-fsinfo': reading('2.2', none, z.array(s.FileSystem)),
  'guest-fsfreeze-status': reading('0.15', none, s.FreezeStatus, { whileFrozen: true }),
  'guest-fsfreeze-freeze': changing('guest-fs', '0.15', none, s.integer, { timeout: 600 * SECOND }),
  'guest-fsfreeze-freeze-list': changing(
    'guest-fs',
    '2.2',
    z.strictObject({ mountpoints: z.array(z.string()).optional() }),
    s.integer,
    { timeout: 600 * SECOND },
  ),
  'guest-fsfreeze-thaw': changing('guest-fs', '0.15', none, s.integer, {
    timeout: 180 * SECOND,
    whileFrozen: true,
  }),
  'guest-fstrim': changing(
    'guest-fs',
    '1.2',
    z.strictObject({ minimum: s.integer.optional() }),
    s.TrimReport,
    { timeout: 600 * SECOND },
  ),

  'guest-file-open': changing(
    'guest-file-write',
    '0.15',
    z.strictObject({ path: z.string(), mode: z.string().optional() }),
    s.integer,
    slow,
  ),
  'guest-file-close': changing('guest-file-read', '0.15', byHandle, nothing, slow),
  'guest-file-read': changing(
    'guest-file-read',
    '0.15',
    byHandle.extend({ count: s.integer.optional() }),
    s.FileRead,
    { ...slow, size: 2 * FILE_CHUNK },
  ),
  'guest-file-write': changing(
    'guest-file-write',
    '0.15',
    byHandle.extend({ 'buf-b64': s.base64, count: s.integer.optional() }),
    s.FileWrite,
    slow,
  ),
  'guest-file-seek': changing(
    'guest-file-read',
    '0.15',
    byHandle.extend({ offset: s.integer, whence: s.Whence }),
    s.FileSeek,
    slow,
  ),
  'guest-file-flush': changing('guest-file-write', '0.15', byHandle, nothing, slow),

  'guest-exec': changing(
    'guest-exec',
    '2.5',
    z.strictObject({
      path: z.string(),
      arg: z.array(z.string()).optional(),
      env: z.array(z.string()).optional(),
      'input-data': s.base64.optional(),
      'capture-output': s.CaptureOutput.optional(),
    }),
    s.Exec,
    slow,
  ),
  // Not repeatable: the answer that says that a program has ended is given once.
  'guest-exec-status': changing('guest-exec', '2.5', z.strictObject({ pid: s.integer }), s.ExecStatus, {
    ...slow,
    size: OUTPUTS,
  }),
  'guest-set-user-password': changing(
    'guest-exec',
    '2.3',
    z.strictObject({ ...user, password: s.base64, crypted: z.boolean() }),
    nothing,
    slow,
  ),
  'guest-ssh-get-authorized-keys': reading('5.2', z.strictObject(user), s.AuthorizedKeys, slow),
  'guest-ssh-add-authorized-keys': changing(
    'guest-exec',
    '5.2',
    z.strictObject({ ...user, keys: z.array(z.string()), reset: z.boolean().optional() }),
    nothing,
    slow,
  ),
  'guest-ssh-remove-authorized-keys': changing(
    'guest-exec',
    '5.2',
    z.strictObject({ ...user, keys: z.array(z.string()) }),
    nothing,
    slow,
  ),

  'guest-shutdown': changing(
    'guest-power',
    '0.15',
    z.strictObject({ mode: z.enum(['powerdown', 'halt', 'reboot']).optional() }),
    null,
    slow,
  ),
  'guest-suspend-disk': changing('guest-power', '1.1', none, null, { timeout: 60 * SECOND }),
  'guest-suspend-ram': changing('guest-power', '1.1', none, null, { timeout: 60 * SECOND }),
  'guest-suspend-hybrid': changing('guest-power', '1.1', none, null, { timeout: 60 * SECOND }),
} as const satisfies Readonly<Record<string, AgentCommand>>;

type Commands = typeof agentCommands;
export type AgentCommandName = keyof Commands;
/** The arguments of a command. */
export type AgentArgs<N extends AgentCommandName> = z.input<Commands[N]['args']>;
/** The answer of a command; null for one that has none. */
export type AgentAnswer<N extends AgentCommandName> = Commands[N]['result'] extends z.ZodType
  ? z.output<Commands[N]['result']>
  : null;

/** Whether a text is the name of a command of the table. */
export function isAgentCommand(name: string): name is AgentCommandName {
  return Object.hasOwn(agentCommands, name);
}

/** The limits of a command that the table does not have: one of a newer agent. */
export const unknownCommand: AgentCommand = {
  ...ordinary,
  args: z.looseObject({}),
  result: z.unknown(),
  right: 'guest-raw',
  since: '',
};
