// The connection to the QEMU process of one guest, and the run state that the process last reported (in QEMU's words):
//
//   prelaunch -> running           resume(), or the event RESUME
//   running  <-> paused            events STOP and RESUME
//   any       -> shutdown          event SHUTDOWN caused by the guest: it is down, and its process waits to be ended by quit()
//
// A new connection asks QEMU for its state, because events are missed while there is none.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent } from '../define.ts';
import { AGENT_CHARDEV, AGENT_PORT } from './command.ts';
import { connectMonitor, type Launch, launch } from './launch.ts';
import { kill, type ProcessId, runs, waitGone } from './process.ts';
import type { Monitor, QmpHandlers } from './qmp.ts';
import type { QmpEvent } from './qmp-table.ts';

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
  /** Something has happened at the port of the guest agent, or to the guest. */
  onAgent(event: AgentEvent): void;
  /** The connection to the process was lost; `fault` is the violation of the protocol that ended it, if one did. */
  onLost(fault: string | null): void;
}

/** How a guest is shut down. */
interface ShutDown {
  /** Seconds. */
  timeout: number;
  signal?: AbortSignal | undefined;
  ask?: ((signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Whether the guest has ACPI. */
  hasPowerButton: boolean;
}

/** The QEMU process of one guest. Its methods must not run concurrently, except interruptWaits(), stopConnecting() and close(). */
export class Qemu {
  readonly #socket: string;
  readonly #handlers: QemuHandlers;
  #monitor: Monitor | null = null;
  #status = 'running';
  #agentIsOpen: boolean | null = null;
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

  /** Whether a program in the guest has opened the port of the guest agent; null when it is not known. */
  get agentIsOpen(): boolean | null {
    return this.#agentIsOpen;
  }

  /** Starts a process and connects to it; the guest does not execute yet. @throws MerapiError hypervisor, see launch() */
  async launch(options: Omit<Launch, 'qmp' | 'handlers'>): Promise<Monitor> {
    const monitor = await launch({ ...options, qmp: this.#socket, handlers: this.#qmpHandlers() });
    this.#monitor = monitor;
    this.#status = 'prelaunch';
    this.#agentIsOpen = false;
    return monitor;
  }

  /**
   * Connects to a process, unless there is a connection already, and updates the run state.
   * @throws MerapiError hypervisor when the process does not answer
   */
  async connect(process: ProcessId): Promise<Monitor> {
    const connecting = new AbortController();
    this.#connecting = connecting;
    const isNew = this.#monitor === null;
    this.#monitor ??= await connectMonitor(this.#socket, process, this.#qmpHandlers(), {
      timeout: CONNECT_TIMEOUT,
      signal: AbortSignal.any([this.#noConnecting.signal, connecting.signal]),
    });
    const monitor = this.#monitor;
    const { status } = await monitor.execute('query-status');
    this.#status = status;
    if (isNew) await this.#askForAgent(monitor);
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
   * Asks the agent, then presses the power button, and waits until the guest is down. Returns earlier, without an error, after `timeout` seconds, when
   * `signal` is aborted or interruptWaits() is called, when the guest is paused, and when the process is gone or does not answer.
   */
  async shutDown(process: ProcessId, { timeout, signal, ask, hasPowerButton }: ShutDown): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    const stopWaiting = () => waiting.abort();
    signal?.addEventListener('abort', stopWaiting);
    if (signal?.aborted) stopWaiting();
    const end = performance.now() + timeout * 1000;
    const reachable = await this.isReachable(process).catch(() => false);
    if (!reachable) stopWaiting();
    const pause = (most: number) =>
      sleep(Math.min(most, Math.max(end - performance.now(), 0)), undefined, {
        signal: waiting.signal,
      }).catch(() => undefined);
    const isAsked =
      reachable && this.#status === 'running' && (await ask?.(waiting.signal).catch(() => false));
    // A guest that was asked gets time before the button is pressed, and all of it if it has none.
    if (isAsked) await pause(hasPowerButton ? PRESS_AGAIN : timeout * 1000);
    while (
      hasPowerButton &&
      this.#status === 'running' &&
      !waiting.signal.aborted &&
      performance.now() < end
    ) {
      await this.#monitor?.execute('system_powerdown').catch(stopWaiting);
      await pause(PRESS_AGAIN);
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

  async #askForAgent(monitor: Monitor): Promise<void> {
    // A process that does not answer this has other trouble, which is told elsewhere.
    const devices = await monitor.execute('query-chardev').catch(() => []);
    const isOpen = devices.find(({ label }) => label === AGENT_CHARDEV)?.['frontend-open'] ?? null;
    this.#agentIsOpen = isOpen;
    if (isOpen !== null) this.#handlers.onAgent(isOpen ? 'opened' : 'closed');
  }

  /** Whether it was an event that concerns the agent only. */
  #onAgent({ event, data }: QmpEvent): boolean {
    if (event === 'RESET' && data.guest) this.#handlers.onAgent('reset');
    else if (event === 'SUSPEND' || event === 'SUSPEND_DISK') this.#handlers.onAgent('suspended');
    else if (event === 'VSERPORT_CHANGE' && (data.id === AGENT_PORT || data.id === '')) {
      // Guests that an earlier release started have a port without an id.
      this.#agentIsOpen = data.open;
      this.#handlers.onAgent(data.open ? 'opened' : 'closed');
    } else return false;
    return true;
  }

  #qmpHandlers(): QmpHandlers {
    return {
      onEvent: (message) => {
        const { event, data } = message;
        if (this.#onAgent(message)) return;
        if (event === 'SHUTDOWN' && data.guest) {
          this.#status = 'shutdown';
          this.#waiting?.abort();
          this.#handlers.onAgent('shutdown');
          this.#handlers.onShutDown();
        } else if (event === 'RESUME') this.#status = 'running';
        else if (event === 'STOP' && this.#status !== 'shutdown') this.#status = 'paused';
        else return;
        this.#handlers.onState();
      },
      onClose: (fault) => {
        this.#monitor = null;
        this.#agentIsOpen = null;
        this.#waiting?.abort();
        this.#handlers.onLost(fault);
      },
    };
  }
}
