// The QEMU Machine Protocol (QMP) over a channel: the greeting, the negotiation that makes the monitor accept commands, and events.
// See https://qemu.org/docs/master/interop/qmp-spec.html.
import { createConnection } from 'node:net';
import * as z from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { Channel, problemOf, type Received, shortened, type Wire } from './channel.ts';
import { type QmpEvent, qmpCommands, qmpEvents } from './qmp-table.ts';

/** A connection to QEMU's monitor that accepts the commands of qmp-table.ts. */
export type Monitor = Channel<typeof qmpCommands>;

export interface QmpHandlers {
  /** Called with each event of qmp-table.ts, also during the negotiation. */
  onEvent?: (event: QmpEvent) => void;
  /**
   * Called once when an established connection ends, except by close(); `fault` is the violation of the protocol that ended it, if one
   * did.
   */
  onClose?: (fault: string | null) => void;
}

interface QmpOptions extends QmpHandlers {
  /** Milliseconds until the monitor must accept commands. */
  timeout?: number;
  /** Cancels the attempt to connect. */
  signal?: AbortSignal;
}

/** QEMU violated the protocol, so another attempt to connect is pointless. */
export class QmpFault extends MerapiError {
  constructor(message: string) {
    super('hypervisor', message);
  }
}

/** The members that are read of a message from QEMU. */
const Message = z.object({
  QMP: z.unknown().optional(),
  event: z.string().optional(),
  data: z.unknown().optional(),
  id: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
});

/** Parses a line; null when it is not a message. */
function readMessage(line: string): z.infer<typeof Message> | null {
  try {
    return Message.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/** Encodes commands and decodes messages of QMP: the greeting, answers with the id of their command, and events. */
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
    if (!message) return { fault: `sent a line that is not a message: ${shortened(line)}` };
    const { id, event, error } = message;
    if (event !== undefined) return this.#decodeEvent(event, message.data);
    if (message.QMP === undefined)
      return { id, outcome: error ? { refusal: error.desc } : { value: message.return } };
    this.#onGreeting();
    return null;
  }

  /** Reports an event of the table; others are ignored. */
  #decodeEvent(event: string, data: unknown = {}): Received {
    if (!Object.hasOwn(qmpEvents, event)) return null;
    const read = qmpEvents[event as keyof typeof qmpEvents].safeParse(data);
    if (!read.success)
      return { fault: `sent an event ${event} that Merapi does not understand: ${problemOf(read.error)}` };
    this.#onEvent({ event, data: read.data } as QmpEvent);
    return null;
  }
}

/**
 * Connects to the monitor of one QEMU process and negotiates until it accepts commands. QEMU serves one client of a monitor at a time;
 * another client gets no greeting until this one disconnects. The process is not trusted, because its guest may have taken it
 * over: see Channel for what ends the connection.
 * @throws MerapiError hypervisor when nothing listens, or the monitor is not ready in time; QmpFault when it violates the protocol
 */
export async function connectQmp(path: string, options: QmpOptions = {}): Promise<Monitor> {
  const { timeout = qmpCommands.qmp_capabilities.timeout, signal, onEvent = () => undefined } = options;
  let phase: 'greeting' | 'negotiating' | 'ready' = 'greeting';
  /** Why the monitor will never be ready, and whether that is a violation of the protocol. */
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
  const abort = () => giveUp('was not waited for: the operation was canceled');
  const expire = () => {
    const what = phase === 'greeting' ? 'sent nothing for' : 'was not ready for commands within';
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
    if (failure !== null) throw new MerapiError('hypervisor', failure); // it ended right after its answer
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
