// Calls for the agents inside of guests. Commands, files and programs are secrets of their users: neither parameters nor results of these
// calls are logged, and the results of those that are recorded in the journal of the node have nothing secret.
import * as z from 'zod';
import { defineCall } from '../define.ts';
import { GuestRef } from '../types.ts';

const nothing = z.strictObject({});
const guest = { guest: GuestRef };
const milliseconds = z.number().int().min(1);
/** A whole number that an agent or a file system uses: a pid, a handle, a size in bytes. */
const whole = z.number().int().min(0);

/** How a program in a guest stands, without its output. */
const Ended = z.object({
  pid: whole,
  exited: z.boolean(),
  exitcode: z.number().int().nullable(),
  signal: z.number().int().nullable(),
  out_truncated: z.boolean(),
  err_truncated: z.boolean(),
});

export const guestState = defineCall({
  name: 'guest.state',
  summary: 'How the agent of a guest stands, without asking it.',
  params: z.strictObject(guest),
  result: z.object({
    running: z.boolean(),
    /** Whether an agent has opened its port; null when this is not known. */
    open: z.boolean().nullable(),
    frozen: z.boolean(),
    /** When the agent last answered, in seconds since 1970; null when it has not. */
    last_seen: z.number().nullable(),
  }),
  mutates: false,
  timeout: 10_000,
});

export const guestCommand = defineCall({
  name: 'guest.command',
  summary:
    'Sends a command to the agent of a guest, and returns its answer unchanged. It is not recorded: for commands that only read, and for what an administrator sends directly.',
  params: z.strictObject({
    ...guest,
    command: z.string(),
    args: z.record(z.string(), z.unknown()),
    /** By default the time limit of the command. */
    timeout: milliseconds.nullable(),
  }),
  result: z.object({ value: z.unknown() }),
  mutates: false,
  timeout: 24 * 3600_000,
});

export const guestChange = defineCall({
  name: 'guest.change',
  summary: 'Sends a command that changes the guest to its agent, and returns its answer unchanged.',
  params: z.strictObject({ ...guest, command: z.string(), args: z.record(z.string(), z.unknown()) }),
  result: z.object({ value: z.unknown() }),
  mutates: true,
  timeout: 900_000,
});

export const guestFreeze = defineCall({
  name: 'guest.freeze',
  summary:
    'Freezes the file systems of a guest, all or those at `mountpoints`; they are thawed after `ttl` milliseconds at the latest.',
  params: z.strictObject({
    ...guest,
    /** Who freezes; guest.thaw for another one does nothing. */
    id: z.string(),
    mountpoints: z.array(z.string()).nullable(),
    ttl: milliseconds,
  }),
  result: z.object({ count: whole }),
  mutates: true,
  timeout: 900_000,
});

export const guestThaw = defineCall({
  name: 'guest.thaw',
  summary:
    'Thaws the file systems of a guest; succeeds when none are frozen. `held` says whether they stayed frozen since guest.freeze. With an `id` it thaws only what that one froze.',
  params: z.strictObject({ ...guest, id: z.string().optional() }),
  result: z.object({ count: whole, held: z.boolean() }),
  mutates: true,
  timeout: 900_000,
});

export const guestStart = defineCall({
  name: 'guest.start',
  summary:
    'Starts a program in a guest. Repeated with the same `run`, it returns the same pid; it fails when it cannot know whether the program was started.',
  params: z.strictObject({
    ...guest,
    /** A uuid of this execution. */
    run: z.string(),
    argv: z.array(z.string()).min(1),
    env: z.array(z.string()),
    /** Base64. */
    input: z.string().nullable(),
    capture: z.boolean(),
  }),
  result: z.object({ pid: whole }),
  mutates: true,
  timeout: 120_000,
});

export const guestWait = defineCall({
  name: 'guest.wait',
  summary: 'Waits until a program in a guest has ended, at most `timeout` milliseconds.',
  params: z.strictObject({ ...guest, pid: whole, timeout: z.number().int().min(0) }),
  result: Ended,
  mutates: true,
  cancellable: true,
  timeout: 25 * 3600_000,
});

export const guestOutput = defineCall({
  name: 'guest.output',
  summary: 'How a program in a guest stands, and its output in base64.',
  params: z.strictObject({ ...guest, pid: whole }),
  result: Ended.extend({ out: z.string(), err: z.string() }),
  mutates: false,
  timeout: 120_000,
});

export const guestOpen = defineCall({
  name: 'guest.open',
  summary:
    'Opens a file of a guest for reading from `offset` in bytes; it is closed when it is not read for a minute.',
  params: z.strictObject({ ...guest, path: z.string(), offset: whole }),
  result: z.object({ handle: whole }),
  mutates: false,
  timeout: 120_000,
});

export const guestRead = defineCall({
  name: 'guest.read',
  summary: 'The next bytes of an open file of a guest in base64, at most `count` and at most 1 MiB.',
  params: z.strictObject({ ...guest, handle: whole, count: whole }),
  result: z.object({ data: z.string(), eof: z.boolean() }),
  mutates: false,
  timeout: 120_000,
});

export const guestClose = defineCall({
  name: 'guest.close',
  summary: 'Closes an open file of a guest; succeeds when it is not open.',
  params: z.strictObject({ ...guest, handle: whole }),
  result: nothing,
  mutates: false,
  timeout: 120_000,
});

/** An upload by its uuid. */
const upload = { upload: z.string() };

export const guestUpload = defineCall({
  name: 'guest.upload',
  summary:
    'Adds bytes (base64) at `offset`, the end, to what a job is to write to a file of a guest. It can be repeated.',
  params: z.strictObject({ ...upload, offset: whole, data: z.string() }),
  result: z.object({ size: whole }),
  mutates: false,
  timeout: 60_000,
});

export const guestDiscard = defineCall({
  name: 'guest.discard',
  summary: 'Removes an upload; succeeds when it is not there.',
  params: z.strictObject(upload),
  result: nothing,
  mutates: true,
  timeout: 30_000,
});

export const guestWrite = defineCall({
  name: 'guest.write',
  summary: 'Writes an upload to a file of a guest, in place of its content or after it.',
  params: z.strictObject({
    ...guest,
    ...upload,
    path: z.string(),
    append: z.boolean(),
    size: whole,
    /** SHA-256 of the content in hexadecimal. */
    checksum: z.string(),
  }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});
