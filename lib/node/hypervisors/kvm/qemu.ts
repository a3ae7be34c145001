import { setTimeout as sleep } from 'node:timers/promises';
import { connectMonitor, type Launch, launch } from './launch.ts';
import { kill, type ProcessId, runs, waitGone } from './process.ts';
import type { Monitor, QmpHandlers } from './qmp.ts';

/** Milliseconds for the process to be gone after it was told to quit, before it is killed. */
const QUIT_TIMEOUT = 5000;
/** A guest that boots misses a press of its power button, so it is pressed again after this many milliseconds. */
const PRESS_AGAIN = 10_000;
/** Milliseconds for a process that has been running for some time to answer. */
const CONNECT_TIMEOUT = 10_000;

/** Who hears of what a guest does by itself. */
export interface QemuHandlers {
  /** It began or ceased to execute. */
  onState(): void;
  /** It shut itself down, and its process waits to be ended. */
  onShutDown(): void;
  /** The connection to the process was lost; `fault` is the breach of the protocol that ended it, if one did. */
  onLost(fault: string | null): void;
}

/** The connection to the QEMU process of one guest, with the run state that the process last reported. */
export class Qemu {
  readonly #socket: string;
  readonly #handlers: QemuHandlers;
  #monitor: Monitor | null = null;
  #status = 'running';
  readonly #over = new AbortController();
  /** Ends the wait for the process to answer a new connection. */
  #hurry: AbortController | null = null;
  /** Ends the wait for the guest to shut down. */
  #wake: AbortController | null = null;

  /** @param socket the path of the monitor's socket */
  constructor(socket: string, handlers: QemuHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
  }

  /** QEMU's run state, in its words; `shutdown` is a guest that is down while its process waits to be ended. */
  get status(): string {
    return this.#status;
  }

  /** Starts a process. @throws MerapiError hypervisor, see launch() */
  async launch(options: Omit<Launch, 'qmp' | 'handlers'>): Promise<Monitor> {
    const monitor = await launch({ ...options, qmp: this.#socket, handlers: this.#qmpHandlers() });
    this.#monitor = monitor;
    this.#status = 'prelaunch';
    return monitor;
  }

  /**
   * The connection to a living process, with the run state up to date.
   * @throws MerapiError hypervisor when it does not answer
   */
  async connect(process: ProcessId): Promise<Monitor> {
    const hurry = new AbortController();
    this.#hurry = hurry;
    this.#monitor ??= await connectMonitor(this.#socket, process, this.#qmpHandlers(), {
      timeout: CONNECT_TIMEOUT,
      signal: AbortSignal.any([this.#over.signal, hurry.signal]),
    });
    const monitor = this.#monitor;
    const { status } = await monitor.execute('query-status');
    this.#status = status;
    return monitor;
  }

  /** Connects; false when the process ended meanwhile. @throws MerapiError hypervisor when it lives and does not answer */
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

  /** Presses the power button and waits until the guest is down, at most `timeout` seconds, or until hurry() is called or `signal` fires. */
  async shutDown(process: ProcessId, timeout: number, signal?: AbortSignal): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const giveUp = () => wake.abort();
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted) giveUp();
    const end = performance.now() + timeout * 1000;
    await this.isReachable(process).catch(() => wake.abort());
    while (this.#status === 'running' && !wake.signal.aborted && performance.now() < end) {
      await this.#monitor?.execute('system_powerdown').catch(() => wake.abort());
      const pause = Math.min(PRESS_AGAIN, Math.max(end - performance.now(), 0));
      await sleep(pause, undefined, { signal: wake.signal }).catch(() => undefined);
    }
    signal?.removeEventListener('abort', giveUp);
    this.#wake = null;
  }

  /** Ends the waits of a shutDown() and of a connect() under way. */
  hurry(): void {
    this.#wake?.abort();
    this.#hurry?.abort();
  }

  /** Ends the process, with its consent or without, and waits until it is gone. @throws MerapiError hypervisor */
  async quit(process: ProcessId): Promise<void> {
    const monitor = this.#monitor;
    this.#monitor = null;
    await monitor?.execute('quit').catch(() => undefined);
    const gone = await waitGone(process, monitor ? QUIT_TIMEOUT : 0);
    monitor?.close();
    if (!gone) await kill(process);
  }

  /** From now on nobody waits for the process to answer a new connection. */
  giveUp(): void {
    this.#over.abort();
  }

  /** Ends the connection; the process is not touched. */
  close(): void {
    this.#monitor?.close();
    this.#monitor = null;
  }

  #qmpHandlers(): QmpHandlers {
    return {
      onEvent: ({ event, data }) => {
        if (event === 'SHUTDOWN' && data.guest) {
          this.#status = 'shutdown';
          this.#wake?.abort();
          this.#handlers.onShutDown();
        } else if (event === 'RESUME') this.#status = 'running';
        else if (event === 'STOP' && this.#status !== 'shutdown') this.#status = 'paused';
        else return;
        this.#handlers.onState();
      },
      onClose: (fault) => {
        this.#monitor = null;
        this.#wake?.abort();
        this.#handlers.onLost(fault);
      },
    };
  }
}
