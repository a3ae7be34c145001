// The connection to the QEMU process of one guest, and the run state that the process last reported (in QEMU's words):
//
//   prelaunch -> running           resume(), or the event RESUME
//   running  <-> paused            events STOP and RESUME
//   any       -> shutdown          event SHUTDOWN caused by the guest: it is down, and its process waits to be ended by quit()
//
// A new connection asks QEMU for its state, because events are missed while there is none.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMonitor, type Launch, launch } from './launch.ts';
import { kill, type ProcessId, runs, waitGone } from './process.ts';
import type { Monitor, QmpHandlers } from './qmp.ts';

/** Milliseconds that the process gets to end after the command quit, before it is killed. */
const QUIT_TIMEOUT = 5000;
/** Milliseconds after which the power button is pressed again: a booting guest misses the first press. */
const PRESS_AGAIN = 10_000;
/** Milliseconds for a process to answer that is not just starting. */
const CONNECT_TIMEOUT = 10_000;

/** Callbacks for what a guest does by itself. */
export interface QemuHandlers {
  /** The run state has changed. */
  onState(): void;
  /** The guest has shut itself down, and its process waits to be ended; onState() follows. */
  onShutDown(): void;
  /** The connection to the process was lost; `fault` is the violation of the protocol that ended it, if one did. */
  onLost(fault: string | null): void;
}

/** The QEMU process of one guest. Its methods must not run concurrently, except interruptWaits(), stopConnecting() and close(). */
export class Qemu {
  readonly #socket: string;
  readonly #handlers: QemuHandlers;
  #monitor: Monitor | null = null;
  #status = 'running';
  /** Aborted by stopConnecting(). */
  readonly #noConnecting = new AbortController();
  /** Ends the present attempt to connect. */
  #connecting: AbortController | null = null;
  /** Ends the present wait of shutDown(). */
  #waiting: AbortController | null = null;

  /** @param socket the path of the monitor's socket */
  constructor(socket: string, handlers: QemuHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
  }

  /** QEMU's run state, see the table at the head of the file. */
  get status(): string {
    return this.#status;
  }

  /** Starts a process and connects to it; the guest does not execute yet. @throws MerapiError hypervisor, see launch() */
  async launch(options: Omit<Launch, 'qmp' | 'handlers'>): Promise<Monitor> {
    const monitor = await launch({ ...options, qmp: this.#socket, handlers: this.#qmpHandlers() });
    this.#monitor = monitor;
    this.#status = 'prelaunch';
    return monitor;
  }

  /**
   * Connects to a process, unless there is a connection already, and updates the run state.
   * @throws MerapiError hypervisor when the process does not answer
   */
  async connect(process: ProcessId): Promise<Monitor> {
    const connecting = new AbortController();
    this.#connecting = connecting;
    this.#monitor ??= await connectMonitor(this.#socket, process, this.#qmpHandlers(), {
      timeout: CONNECT_TIMEOUT,
      signal: AbortSignal.any([this.#noConnecting.signal, connecting.signal]),
    });
    const monitor = this.#monitor;
    const { status } = await monitor.execute('query-status');
    this.#status = status;
    return monitor;
  }

  /** Connects; returns false when the process has ended. @throws MerapiError hypervisor when it lives but does not answer */
  async isReachable(process: ProcessId): Promise<boolean> {
    try {
      await this.connect(process);
      return true;
    } catch (error) {
      if (await runs(process)) throw error;
      return false;
    }
  }

  /** Lets the guest execute. */
  async resume(monitor: Monitor): Promise<void> {
    await monitor.execute('cont');
    this.#status = 'running';
  }

  /**
   * Presses the power button and waits until the guest is down. Returns earlier, without an error, after `timeout` seconds, when
   * `signal` is aborted or interruptWaits() is called, when the guest is paused, and when the process is gone or does not answer.
   */
  async shutDown(process: ProcessId, timeout: number, signal?: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    const stopWaiting = () => waiting.abort();
    signal?.addEventListener('abort', stopWaiting);
    if (signal?.aborted) stopWaiting();
    const end = performance.now() + timeout * 1000;
    const reachable = await this.isReachable(process).catch(() => false);
    if (!reachable) stopWaiting();
    while (this.#status === 'running' && !waiting.signal.aborted && performance.now() < end) {
      await this.#monitor?.execute('system_powerdown').catch(stopWaiting);
      const pause = Math.min(PRESS_AGAIN, Math.max(end - performance.now(), 0));
      await sleep(pause, undefined, { signal: waiting.signal }).catch(() => undefined);
    }
    signal?.removeEventListener('abort', stopWaiting);
    this.#waiting = null;
  }

  /** Ends the waits of a shutDown() and of a connect() in progress. */
  interruptWaits(): void {
    this.#waiting?.abort();
    this.#connecting?.abort();
  }

  /** Asks the process to end, kills it if it does not, and waits until it is gone. @throws MerapiError hypervisor */
  async quit(process: ProcessId): Promise<void> {
    const monitor = this.#monitor;
    this.#monitor = null;
    await monitor?.execute('quit').catch(() => undefined);
    const gone = await waitGone(process, monitor ? QUIT_TIMEOUT : 0);
    monitor?.close();
    if (!gone) await kill(process);
  }

  /** Makes connect() fail at once from now on when it would have to wait for a new connection. */
  stopConnecting(): void {
    this.#noConnecting.abort();
  }

  /** Closes the connection; the process keeps running. */
  close(): void {
    this.#monitor?.close();
    this.#monitor = null;
  }

  #qmpHandlers(): QmpHandlers {
    return {
      onEvent: ({ event, data }) => {
        if (event === 'SHUTDOWN' && data.guest) {
          this.#status = 'shutdown';
          this.#waiting?.abort();
          this.#handlers.onShutDown();
        } else if (event === 'RESUME') this.#status = 'running';
        else if (event === 'STOP' && this.#status !== 'shutdown') this.#status = 'paused';
        else return;
        this.#handlers.onState();
      },
      onClose: (fault) => {
        this.#monitor = null;
        this.#waiting?.abort();
        this.#handlers.onLost(fault);
      },
    };
  }
}
