import { createConnection } from 'node:net';
import * as z from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { Channel, problemOf, type Received, shortened, type Wire } from './channel.ts';
import { type QmpEvent, qmpCommands, qmpEvents } from './qmp-table.ts';

/** A connection to QEMU's monitor that is ready for the commands of the table. */
export type Monitor = Channel<typeof qmpCommands>;

/** Who hears of what comes from QEMU unasked. */
export interface QmpHandlers {
  /** Called with each event of the table, from the connection on. */
  onEvent?: (event: QmpEvent) => void;
  /** Called once when an established connection ended, unless by close(); `fault` is the breach of the protocol that ended it, if one did. */
  onClose?: (fault: string | null) => void;
}

/** How a monitor is connected to. */
interface QmpOptions extends QmpHandlers {
  /** Milliseconds until the monitor must be ready for commands. */
  timeout?: number;
  /** An abort ends the attempt to connect. */
  signal?: AbortSignal;
}

/** QEMU broke the protocol: no second attempt will be better. */
export class QmpFault extends MerapiError {
  constructor(message: string) {
    super('hypervisor', message);
  }
}

/** What is looked at of a message from QEMU. */
const Message = z.object({
  QMP: z.unknown().optional(),
  event: z.string().optional(),
  data: z.unknown().optional(),
  id: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
});

/** The message on a line; null when the line is not a message. */
function readMessage(line: string): z.infer<typeof Message> | null {
  try {
    return Message.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/** QEMU's monitor as it is written on lines: a greeting, answers with the id of their command, events. */
export class QmpWire implements Wire {
  readonly peer = 'QEMU';
  readonly #onGreeting: () => void;
  readonly #onEvent: (event: QmpEvent) => void;

  constructor(onGreeting: () => void, onEvent: (event: QmpEvent) => void) {
    this.#onGreeting = onGreeting;
    this.#onEvent = onEvent;
  }

  encode(id: number, name: string, args: object): string {
    return JSON.stringify({ execute: name, arguments: args, id });
  }

  decode(line: string): Received {
    if (line.trim() === '') return null;
    const message = readMessage(line);
    if (!message) return { fault: `sent what is no message: ${shortened(line)}` };
    const { id, event, error } = message;
    if (event !== undefined) return this.#hear(event, message.data);
    if (message.QMP === undefined)
      return { id, outcome: error ? { refusal: error.desc } : { value: message.return } };
    this.#onGreeting();
    return null;
  }

  #hear(event: string, data: unknown = {}): Received {
    if (!Object.hasOwn(qmpEvents, event)) return null;
    const read = qmpEvents[event as keyof typeof qmpEvents].safeParse(data);
    if (!read.success)
      return { fault: `sent an event ${event} that Merapi does not understand: ${problemOf(read.error)}` };
    this.#onEvent({ event, data: read.data } as QmpEvent);
    return null;
  }
}

/**
 * Connects to the monitor of one QEMU process and readies it for commands. QEMU serves one client of a monitor at a time;
 * another one waits until this one is closed. The process is not trusted, because its guest may have taken it over: see
 * Channel for what ends the connection.
 * @throws MerapiError hypervisor when nobody listens, or the monitor is not ready in time; QmpFault when it breaks the protocol
 */
export async function connectQmp(path: string, options: QmpOptions = {}): Promise<Monitor> {
  const { timeout = qmpCommands.qmp_capabilities.timeout, signal, onEvent = () => undefined } = options;
  let phase: 'greeting' | 'negotiating' | 'ready' = 'greeting';
  /** Why it will never be ready, and whether QEMU broke the protocol. */
  let failure: string | null = null;
  let isFault = false;
  const socket = createConnection(path);
  socket.once('error', (error) => {
    failure ??= `cannot be reached: ${errorText(error)}`;
  });
  let onGreeting: () => void = () => undefined;
  let onFailure: () => void = () => undefined;
  const greeting = new Promise<void>((resolve, reject) => {
    onGreeting = resolve;
    onFailure = () => reject(new MerapiError('hypervisor', 'There is no greeting'));
  });
  const giveUp = (why: string) => {
    failure ??= why;
    socket.destroy();
  };
  const abort = () => giveUp('is not waited for any longer');
  const expire = () => {
    const what = phase === 'greeting' ? 'said nothing for' : 'was not ready for commands within';
    giveUp(`${what} ${timeout / 1000} s`);
  };
  const timer = setTimeout(expire, timeout);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  const channel: Monitor = new Channel(socket, {
    commands: qmpCommands,
    wire: new QmpWire(() => onGreeting(), onEvent),
    onEnd: (fault) => {
      if (phase === 'ready') return options.onClose?.(fault);
      isFault = fault !== null;
      failure ??= fault ?? 'closed the connection';
      onFailure();
    },
  });
  try {
    await greeting;
    phase = 'negotiating';
    await channel.execute('qmp_capabilities');
    if (failure !== null) throw new MerapiError('hypervisor', failure); // it ended in the same breath
    phase = 'ready';
    return channel;
  } catch (error) {
    channel.close();
    if (failure === null) throw error;
    const text = `The monitor of QEMU at ${path} ${failure}`;
    throw isFault ? new QmpFault(text) : new MerapiError('hypervisor', text);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
