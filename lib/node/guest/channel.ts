// The connection to the agent inside of one guest. The agent answers commands in their order, without events and, before QEMU 7.2, without
// ids; the stream may hold what was meant for an earlier client. So one command is under way at a time, and whenever an answer may be
// left over, the stream is synchronised before the next one.
//
//   closed  -> stale    a connection is made, for the next command
//   stale   -> ready    guest-sync-delimited was answered with the number that was sent
//   ready   -> busy     a command is sent
//   busy    -> ready    its answer has come
//           -> stale    no answer in time, or an answer that is no message
//   ready   -> stale    data came that was not asked for
//   any     -> closed   the connection ended, the synchronisation failed, or the guest sent more than it may; or it was idle for a while,
//                       as other programs of the host may want the port
//
// Source: https://www.qemu.org/docs/master/interop/qemu-ga-ref.html, guest-sync-delimited.
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import { stringifyJson } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import { orAborted, underAny } from '../../base/signals.ts';
import { TaskQueue } from '../../base/task-queue.ts';
import { AgentFraming, SENTINEL } from './framing.ts';
import { type AgentReply, isSyncAnswer, replyOf } from './reply.ts';

/** Milliseconds for a connection to be made, and for the agent to answer a synchronisation. */
const CONNECT = 3000;
const SYNC = 5000;
/** Milliseconds without a command after which the connection is closed. */
const IDLE = 1000;
/** How many commands may wait for their turn. */
const MOST_WAITING = 64;
/** The most bytes that are read in one synchronisation: more than any answer to an earlier client. */
const MOST_SKIPPED = 64 * 1024 * 1024;
/** The most bytes of a message during a synchronisation; the answer itself has 40. */
const SYNC_SIZE = 64 * 1024;
/** The most bytes that a guest may send that no command asked for; then the connection is closed. */
const MOST_UNASKED = 64 * 1024;

/** What a command needs of the channel. */
export interface Request {
  readonly name: string;
  readonly args: object;
  /** Milliseconds until it fails, from the call on: the wait for its turn is a part of it. */
  readonly timeout: number;
  /** The most bytes of the answer. */
  readonly size: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
  /** For a command without an answer: resolves when its success was seen elsewhere. The end of the connection counts as success too. */
  readonly success?: Promise<unknown>;
}

/** The wait for a message. */
interface Waiter {
  readonly size: number;
  /** Whether this is the message; others are skipped. */
  accepts(message: Buffer): boolean;
  resolve(message: Buffer): void;
  reject(error: MerapiError): void;
}

export class AgentChannel {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #queue = new TaskQueue();
  readonly #framing = new AgentFraming();
  #socket: Socket | null = null;
  #isStale = true;
  #waiter: Waiter | null = null;
  #unasked = 0;
  #skipped = 0;
  #waiting = 0;
  #idle: Timer | null = null;

  /** @param path the Unix socket of the agent's port; it accepts one connection at a time */
  constructor(path: string, { clock, random }: { clock: Clock; random: Random }) {
    this.#path = path;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Sends a command when the earlier ones have ended, and returns the agent's reply.
   * @throws MerapiError unavailable when there is no connection or too many commands wait; timeout without an answer in time;
   *   guest_agent when the answer is no message of the protocol or too long; and the reason of the signal
   */
  async execute(request: Request): Promise<AgentReply> {
    if (this.#waiting >= MOST_WAITING)
      throw new MerapiError(
        'unavailable',
        `${MOST_WAITING} commands wait for the guest agent; try again later`,
      );
    this.#waiting += 1;
    this.#idle?.cancel();
    try {
      const what = `The guest agent did not answer ${request.name}`;
      return await this.#within(request.timeout, what, request.signal, (signal) => {
        const turn = this.#queue.run(async () => {
          signal.throwIfAborted();
          return this.#perform(request, signal);
        });
        return orAborted(turn, signal);
      });
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#idle = this.#clock.timer(IDLE, () => this.close()).unref();
    }
  }

  /** To be called when another agent may be at the other end: the guest has opened its port again. */
  expectOther(): void {
    this.#isStale = true;
  }

  /** Ends the connection; a command under way fails, a later one connects again. */
  close(): void {
    this.#idle?.cancel();
    this.#end(new MerapiError('unavailable', 'The connection to the guest agent was closed'));
  }

  async #perform(request: Request, signal: AbortSignal): Promise<AgentReply> {
    const { name, args, size, success } = request;
    this.#socket ??= await this.#connect(signal);
    if (this.#isStale) await this.#synchronise(signal);
    this.#isStale = true; // until its answer has come
    const answer = this.#next({ size, accepts: () => true }, signal);
    this.#send(stringifyJson({ execute: name, arguments: args }));
    if (success !== undefined) return this.#refusalOrSuccess(name, answer, success);
    const reply = await replyOf(await answer, name);
    this.#isStale = false;
    return reply;
  }

  /** The reply to a command that is answered only when it is refused. */
  async #refusalOrSuccess(
    name: string,
    answer: Promise<Buffer>,
    success: Promise<unknown>,
  ): Promise<AgentReply> {
    const done = { value: null };
    const first = await Promise.race([
      answer.catch((error) => {
        if (this.#socket !== null) throw error;
        return done; // the guest, or its agent, has ended
      }),
      success.then(() => done),
    ]);
    answer.catch(() => undefined);
    return Buffer.isBuffer(first) ? replyOf(first, name) : first;
  }

  /** @throws MerapiError unavailable */
  async #connect(signal: AbortSignal): Promise<Socket> {
    const socket = createConnection(this.#path);
    try {
      await this.#within(CONNECT, 'No connection was accepted', signal, (either) =>
        once(socket, 'connect', { signal: either }),
      );
    } catch (cause) {
      socket.destroy();
      signal.throwIfAborted();
      throw new MerapiError(
        'unavailable',
        `The port of the guest agent cannot be reached: ${errorText(cause)}`,
        {
          cause,
        },
      );
    }
    socket.on('error', () => undefined); // 'close' follows
    socket.on('data', (chunk: Buffer) => this.#receive(socket, chunk));
    socket.on('close', () => {
      if (this.#socket === socket)
        this.#end(new MerapiError('unavailable', 'The connection to the guest agent ended'));
    });
    this.#isStale = true;
    return socket;
  }

  /**
   * Lets the agent drop a half-sent command, and skips everything until its answer. If that fails, the connection is closed: the answer
   * might come later, among those to other commands.
   */
  async #synchronise(signal: AbortSignal): Promise<void> {
    const id = this.#random.bytes(6).readUIntBE(0, 6);
    this.#framing.skip();
    this.#unasked = 0;
    this.#skipped = 0;
    try {
      await this.#within(SYNC, 'The guest agent did not answer', signal, async (either) => {
        const answer = this.#next(
          { size: SYNC_SIZE, accepts: (message) => isSyncAnswer(message, id) },
          either,
        );
        this.#send(stringifyJson({ execute: 'guest-sync-delimited', arguments: { id } }), SENTINEL);
        await answer;
      });
      this.#isStale = false;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #send(text: string, ...before: number[]): void {
    this.#socket?.write(Buffer.concat([Buffer.from(before), Buffer.from(`${text}\n`)]));
  }

  /** The next message that is accepted. @throws the reason of the signal; MerapiError unavailable, guest_agent */
  #next(what: Pick<Waiter, 'size' | 'accepts'>, signal: AbortSignal): Promise<Buffer> {
    let own: Waiter | null = null;
    const message = new Promise<Buffer>((resolve, reject) => {
      own = { ...what, resolve, reject };
      this.#waiter = own;
    });
    return orAborted(message, signal).finally(() => {
      if (this.#waiter === own) this.#waiter = null;
    });
  }

  #receive(socket: Socket, chunk: Buffer): void {
    if (this.#socket !== socket) return;
    this.#skipped += chunk.length;
    if (this.#framing.skips && this.#skipped > MOST_SKIPPED) {
      this.#end(tooMuch(MOST_SKIPPED));
      return;
    }
    for (const message of this.#framing.receive(chunk)) this.#take(message);
    const most = this.#waiter?.size ?? MOST_UNASKED;
    if (this.#framing.pending > most) this.#end(tooMuch(most));
    else if (!this.#waiter && this.#framing.pending > 0) this.#isStale = true;
  }

  #take(message: Buffer): void {
    const waiter = this.#waiter;
    if (!waiter) {
      this.#isStale = true;
      this.#unasked += message.length;
      if (this.#unasked > MOST_UNASKED) this.#end(tooMuch(MOST_UNASKED));
    } else if (message.length > waiter.size) this.#end(tooMuch(waiter.size));
    else if (waiter.accepts(message)) {
      this.#waiter = null;
      waiter.resolve(message);
    }
  }

  /** Ends the connection, for this reason. */
  #end(error: MerapiError): void {
    const [socket, waiter] = [this.#socket, this.#waiter];
    this.#socket = null;
    this.#waiter = null;
    this.#framing.skip();
    socket?.destroy();
    waiter?.reject(error);
  }

  /** Does work with a signal that also fires after a time. @throws MerapiError timeout with `what` when the time is over */
  async #within<T>(
    milliseconds: number,
    what: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limit = this.#clock.timeout(milliseconds);
    try {
      return await underAny(signal ? [limit.signal, signal] : [limit.signal], work);
    } catch (error) {
      if (!limit.signal.aborted || error instanceof MerapiError) throw error;
      throw new MerapiError('timeout', `${what} within ${milliseconds / 1000} s`);
    } finally {
      limit.cancel();
    }
  }
}

function tooMuch(most: number): MerapiError {
  return new MerapiError(
    'guest_agent',
    `The guest agent sent more than the ${most} bytes that it may; the connection was closed`,
  );
}
