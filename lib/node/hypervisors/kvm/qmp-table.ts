// All commands that the driver sends to QEMU's monitor and all events that it reads, under QEMU's names
// (https://qemu.org/docs/master/interop/qemu-qmp-ref.html). A result or an event has only the members that are read; QEMU sends
// more. test/node/hypervisors/kvm/qmp-table.test.ts compares the table with the schema of the installed QEMU.
import * as z from 'zod';
import type { Command, CommandTable } from './channel.ts';

/** Milliseconds until an unanswered command fails; a busy host needs some seconds. */
const ANSWER_TIMEOUT = 30_000;
/** Milliseconds for QEMU to answer the command quit. It is killed if it does not, so there is no reason to wait longer. */
const QUIT_TIMEOUT = 5000;
/** Maximum characters of a short answer, and of one that grows with the number of devices: both far more than QEMU needs. */
const SHORT = 64 * 1024;
const LONG = 4 * 1024 * 1024;

const none = z.strictObject({});
const nothing = z.object({});

/** A command with the schemas of its arguments and its result; by default with the limits of a short answer. */
function command<A extends z.ZodObject, R extends z.ZodType>(
  args: A,
  result: R,
  limits: Partial<Pick<Command, 'timeout' | 'size'>> = {},
) {
  return { args, result, timeout: ANSWER_TIMEOUT, size: SHORT, ...limits };
}

const byId = z.strictObject({ id: z.string() });
const byNodeName = z.strictObject({ 'node-name': z.string() });

/** The commands of the monitor that the driver uses. */
export const qmpCommands = {
  /** Ends the negotiation with which a connection begins. */
  qmp_capabilities: command(none, nothing),
  /** Ends the process. */
  quit: command(none, nothing, { timeout: QUIT_TIMEOUT }),
  /** Lets the guest execute. */
  cont: command(none, nothing),
  /** Restarts the guest as by its reset button. */
  system_reset: command(none, nothing),
  /** Presses the guest's power button. */
  system_powerdown: command(none, nothing),
  'query-status': command(none, z.object({ status: z.string() })),
  /** Asks the guest's balloon driver to leave the guest this many bytes. */
  balloon: command(z.strictObject({ value: z.number().int() }), nothing),
  /** The memory that the guest has now, in bytes. */
  'query-balloon': command(none, z.object({ actual: z.number() })),
  /** All block nodes; `file` is the path or URL of the data. */
  'query-named-block-nodes': command(
    z.strictObject({ flat: z.boolean() }),
    z.array(z.object({ 'node-name': z.string().optional(), drv: z.string(), file: z.string() })),
    { size: LONG },
  ),
  /** Sets the size of a block node in bytes. */
  block_resize: command(byNodeName.extend({ size: z.number().int() }), nothing),
  'blockdev-add': command(z.looseObject({ driver: z.string(), 'node-name': z.string() }), nothing),
  'blockdev-del': command(byNodeName, nothing),
  netdev_add: command(z.looseObject({ type: z.string(), id: z.string() }), nothing),
  netdev_del: command(byId, nothing),
  device_add: command(z.looseObject({ driver: z.string(), id: z.string() }), nothing),
  /** Asks the guest to release a device; the device exists until it has. */
  device_del: command(byId, nothing),
  /** The children and properties of an object, e.g. all devices that have an id. */
  'qom-list': command(z.strictObject({ path: z.string() }), z.array(z.object({ name: z.string() })), {
    size: LONG,
  }),
  /** The PCI buses with their devices, and the devices behind each bridge. */
  'query-pci': command(
    none,
    z.array(
      z.object({
        devices: z.array(
          z.object({
            qdev_id: z.string(),
            pci_bridge: z.object({ devices: z.array(z.unknown()).optional() }).optional(),
          }),
        ),
      }),
    ),
    { size: LONG },
  ),
  /** The character devices; `frontend-open` says whether the guest has opened its end. */
  'query-chardev': command(none, z.array(z.object({ label: z.string(), 'frontend-open': z.boolean() })), {
    size: LONG,
  }),
  set_password: command(z.strictObject({ protocol: z.literal('vnc'), password: z.string() }), nothing),
  /** The address of the VNC server; without a host when there is no server. */
  'query-vnc': command(
    none,
    z.object({
      host: z.string().optional(),
      service: z
        .string()
        .regex(/^[0-9]{1,5}$/)
        .optional(),
      family: z.string().optional(),
    }),
  ),
} as const satisfies CommandTable;

/** The events that the driver reads, each with the members that it reads; all others are ignored. */
export const qmpEvents = {
  /** The guest was shut down; `guest` is true when the guest did it itself. */
  SHUTDOWN: z.object({ guest: z.boolean() }),
  /** The guest executes again. */
  RESUME: z.object({}),
  /** The guest no longer executes. */
  STOP: z.object({}),
  /** The guest was reset; `guest` is true when the guest did it itself. */
  RESET: z.object({ guest: z.boolean() }),
  /** The guest has suspended itself, to memory or to its disk. */
  SUSPEND: z.object({}),
  SUSPEND_DISK: z.object({}),
  /** A program in the guest has opened or closed a port; `id` is that of the device. */
  VSERPORT_CHANGE: z.object({ id: z.string(), open: z.boolean() }),
} as const;

type QmpEvents = typeof qmpEvents;
/** An event of the table. */
export type QmpEvent = {
  [E in keyof QmpEvents]: { readonly event: E; readonly data: z.output<QmpEvents[E]> };
}[keyof QmpEvents];
