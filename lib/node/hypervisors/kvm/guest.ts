// One guest of kvm: its record on disk (record.ts has the states) and its QEMU process. #reconcile() brings the two into agreement when
// the worker starts, when the connection to the process is lost, and when the guest shuts down.
//
// Invariants:
// - Operations run one at a time, in #queue. The private methods from #save() on must only be called from a task in it.
// - The record is durable before the action that it announces, so a crash at any point leaves enough to continue or to clean up.
// - A guest executes only after its process has answered and is in the record; a failed start leaves no process, tap or socket.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { MerapiError, toFailure } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { TaskQueue } from '../../../base/task-queue.ts';
import { endsWithin } from '../../../base/within.ts';
import type { GuestFacts, InstanceTarget } from '../../../rpc/types.ts';
import type {
  AgentEvent,
  DeviceToPlug,
  DeviceToUnplug,
  GuestNetwork,
  OpenDisk,
  StartOptions,
  StopOptions,
} from '../define.ts';
import { setMemory } from './balloon.ts';
import { locationOf, resizeBlock } from './blocks.ts';
import { commandLine } from './command.ts';
import { prepareVnc } from './display.ts';
import { factsOf } from './facts.ts';
import { Follower } from './follow.ts';
import type { Accelerator } from './machine.ts';
import { type KvmParams, readParams } from './params.ts';
import { plug, unplug } from './plug.ts';
import { type ProcessId, runsGuest } from './process.ts';
import { Qemu } from './qemu.ts';
import type { Monitor } from './qmp.ts';
import { type GuestRecord, readRecord, removeFolder, writeRecord } from './record.ts';
import { type GuestSockets, makeSocketFolder, removeSockets, socketsOf } from './sockets.ts';
import { isLeftover } from './unknown.ts';

/** What the driver provides to all its guests. */
export interface GuestContext {
  network: GuestNetwork;
  log: Logger;
  /** Chooses the accelerator of a guest with these parameters. */
  accelerator(params: KvmParams): Promise<Accelerator>;
  /** Milliseconds that a running guest gets to release a device or memory. */
  patience: number;
  /** Called whenever the facts of a guest may have changed. */
  changed(): void;
  /** Called when something happens at the port of a guest's agent. */
  agent(uuid: string, event: AgentEvent): void;
}

/** Milliseconds that the start of the worker waits for a guest's process to answer. */
const LOAD_TIMEOUT = 2000;
/** Milliseconds that the end of the worker waits for operations in progress. */
const CLOSE_TIMEOUT = 3000;

/** One guest: its record on disk and its QEMU process. A guest without a record does not exist. */
export class Guest {
  readonly #context: GuestContext;
  readonly #folder: string;
  readonly #uuid: string;
  readonly #sockets: GuestSockets;
  readonly #qemu: Qemu;
  readonly #queue = new TaskQueue();
  readonly #follower: Follower;
  #record: GuestRecord | null = null;
  /** Whether stop() kills the guest without waiting for it to shut down: a forced stop is queued, or the worker ends. */
  #skipsShutdown = false;
  #closed = false;

  /** @param folder the folder of the guest, whose name is its uuid */
  constructor(context: GuestContext, folder: string, uuid: string) {
    this.#context = context;
    this.#folder = folder;
    this.#uuid = uuid;
    this.#sockets = socketsOf(folder);
    this.#follower = new Follower({
      ...{ uuid, queue: this.#queue, log: context.log, changed: () => context.changed() },
      reconcile: () => this.#reconcile(),
      process: () => this.#process(),
    });
    this.#qemu = new Qemu(this.#sockets.qmp, {
      onState: () => context.changed(),
      onAgent: (event) => context.agent(uuid, event),
      onShutDown: () => this.#follower.reconcileSoon(),
      onLost: (fault) => this.#follower.lost(fault),
    });
  }

  /**
   * Continues with the guest that an earlier worker left. `found` is its process according to the process table. If the process does not
   * answer within LOAD_TIMEOUT, this returns all the same; only operations on this guest then wait for it.
   * @throws MerapiError configuration when the record cannot be read
   */
  async load(found: ProcessId | null): Promise<void> {
    await this.#queue.run(async () => {
      this.#record = await readRecord(this.#folder);
      if (!this.#record) {
        if (await isLeftover(this.#folder)) await this.#rollBack(null);
        return;
      }
      if (found && !(await this.#process())) this.#record = { ...this.#record, process: found };
    });
    await endsWithin(this.#follower.reconcile(), LOAD_TIMEOUT, systemClock);
  }

  /** The facts of the guest; null when it does not exist, is starting, or was stopped on request. */
  facts(): GuestFacts | null {
    return this.#record && factsOf(this.#record, this.#qemu.status, this.#sockets, this.#follower.trouble);
  }

  /** The port of the guest's agent; null when the guest does not run. */
  agentPort(): { path: string; isOpen: boolean | null } | null {
    if (!this.#record?.process || this.#record.phase === 'starting' || this.#qemu.status === 'shutdown')
      return null;
    return { path: this.#sockets.agent, isOpen: this.#qemu.agentIsOpen };
  }

  /** Starts the guest, or finishes an interrupted start of a process that exists. */
  start(instance: InstanceTarget, options: StartOptions): Promise<void> {
    return this.#queue.run(async () => {
      const process = await this.#process();
      if (process) {
        const monitor = await this.#qemu.connect(process);
        if (this.#qemu.status !== 'shutdown') return this.#finishStart(monitor, options.paused);
        await this.#qemu.quit(process);
      }
      if (this.#hasProcess()) await this.#cleanUp('ended', this.#record?.by_user ?? false);
      await this.#startNew(instance, options);
    });
  }

  /**
   * Asks the guest to shut down, through its agent or by ACPI, and kills it after `timeout` seconds; kills it at once with `force`. A
   * forced stop also ends the wait of another stop that is before it in the queue.
   */
  stop({ timeout, force, signal, ask }: StopOptions): Promise<void> {
    if (force) this.#skipShutdown();
    return this.#queue.run(async () => {
      if (force) this.#skipsShutdown = false;
      if (!this.#record || this.#record.phase === 'stopped') return;
      const process = await this.#process();
      if (process) {
        await this.#save({ phase: 'stopping', by_user: false });
        const hasPowerButton = readParams(this.#record.instance).flag('acpi');
        if (!force && !this.#skipsShutdown)
          await this.#qemu.shutDown(process, { timeout, signal, ask, hasPowerButton });
        // Neither a worker that ends nor a canceled call kills the guest.
        if (this.#closed)
          throw new MerapiError(
            'unavailable',
            'The worker is shutting down; the guest was asked to shut down',
          );
        if (signal?.aborted && this.#qemu.status === 'running') {
          if (toFailure(signal.reason).code === 'canceled') await this.#save({ phase: 'running' });
          throw signal.reason;
        }
        await this.#qemu.quit(process);
      }
      await this.#cleanUp('stopped', false);
    });
  }

  /** Restarts the guest within its process; a paused one executes afterwards. @throws MerapiError wrong_state when it does not run */
  reset(): Promise<void> {
    return this.#whileRunning(async (monitor) => {
      await monitor.execute('system_reset');
      if (this.#qemu.status !== 'running') await this.#qemu.resume(monitor);
    }, 'it cannot be reset');
  }

  /** Makes the guest see the new size of a disk that has grown. */
  resize(disk: OpenDisk): Promise<void> {
    return this.#whileRunning((monitor) => resizeBlock(monitor, disk));
  }

  /** Changes the guest's memory (MiB). @throws MerapiError wrong_state when it does not run, hypervisor when it does not adjust */
  setMemory(memory: number): Promise<void> {
    return this.#whileRunning(async (monitor) => {
      await setMemory(monitor, memory, this.#context.patience);
      await this.#save({ memory });
    }, 'its memory cannot be changed');
  }

  /** Adds a device of the instance to the guest. */
  plug(instance: InstanceTarget, device: DeviceToPlug): Promise<void> {
    return this.#whileRunning(async (monitor, record) => {
      const options = { ...this.#context, instance, device };
      await this.#save({ instance: await plug(monitor, record.instance, options) });
    });
  }

  /** Removes a device of the instance from the guest. */
  unplug(instance: InstanceTarget, device: DeviceToUnplug): Promise<void> {
    return this.#whileRunning(async (monitor, record) => {
      const options = { ...this.#context, instance, device };
      await this.#save({ instance: await unplug(monitor, record.instance, options) });
    });
  }

  /** Removes everything that is stored about the guest. @throws MerapiError wrong_state when it runs */
  forget(): Promise<void> {
    return this.#queue.run(async () => {
      if (await this.#process())
        throw new MerapiError('wrong_state', 'The instance runs; stop it before it is forgotten');
      await this.#remove();
    });
  }

  /** Disconnects from the guest, which keeps running. A stop() that waits for the guest fails with `unavailable`. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#follower.close();
    this.#skipShutdown();
    this.#qemu.stopConnecting();
    const queued = this.#queue.run(async () => undefined);
    await endsWithin(queued, CLOSE_TIMEOUT, systemClock);
    this.#qemu.close();
  }

  #skipShutdown(): void {
    this.#skipsShutdown = true;
    this.#qemu.interruptWaits();
  }

  /**
   * Runs `work` if the guest runs. If it does not: throws wrong_state with `consequence` as the second half of the message; without
   * one, succeeds without doing anything.
   */
  #whileRunning(
    work: (monitor: Monitor, record: GuestRecord) => Promise<void>,
    consequence?: string,
  ): Promise<void> {
    return this.#queue.run(async () => {
      const process = await this.#process();
      const monitor = process && (await this.#qemu.connect(process));
      if (monitor && this.#record && this.#qemu.status !== 'shutdown') return work(monitor, this.#record);
      if (consequence !== undefined)
        throw new MerapiError('wrong_state', `The instance does not run, so ${consequence}`);
    });
  }

  /** The guest's process, or null when it is gone. */
  async #process(): Promise<ProcessId | null> {
    const id = this.#record?.process;
    return id && (await runsGuest(id, this.#folder)) ? id : null;
  }

  /** Whether there is a process, or was one whose end is not recorded yet. */
  #hasProcess(): boolean {
    return this.#record !== null && ['starting', 'running', 'stopping'].includes(this.#record.phase);
  }

  /** Changes the record, in memory and on disk. */
  async #save(changes: Partial<GuestRecord>): Promise<void> {
    if (!this.#record) throw new MerapiError('internal_error', 'A guest without a record cannot change');
    this.#record = { ...this.#record, ...changes };
    await writeRecord(this.#folder, this.#record);
    this.#context.changed();
  }

  /**
   * Brings record and process into agreement: connects to a process that lives, ends the process of a guest that has shut itself down,
   * and records the end of a process that is gone.
   */
  async #reconcile(): Promise<void> {
    const record = this.#record;
    if (this.#closed || !record || !this.#hasProcess()) return;
    const process = await this.#process();
    if (process && (await this.#qemu.isReachable(process))) {
      this.#follower.settled();
      if (this.#qemu.status !== 'shutdown') return this.#context.changed();
      if (record.phase === 'running') await this.#save({ phase: 'stopping', by_user: true });
      await this.#qemu.quit(process);
    }
    const wasRequested = record.phase === 'stopping' && !record.by_user;
    if (record.phase === 'starting') await this.#remove();
    else await this.#cleanUp(wasRequested ? 'stopped' : 'ended', this.#record?.by_user ?? false);
  }

  /** Starts a process for the guest. If that fails, everything is undone and the record is as before. */
  async #startNew(instance: InstanceTarget, options: StartOptions): Promise<void> {
    const before = this.#record;
    const params = readParams(instance);
    const accelerator = await this.#context.accelerator(params);
    const sockets = this.#sockets;
    try {
      const fresh = { phase: 'starting', by_user: false, process: null, vnc: null } as const;
      this.#record = { ...fresh, accelerator, sockets: sockets.folder, instance };
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeRecord(this.#folder, this.#record);
      await makeSocketFolder(sockets);
      const pidFile = join(this.#folder, 'pid');
      const disks = await Promise.all(options.sources.map(locationOf));
      const taps: string[] = [];
      for (const index of instance.nics.keys()) taps.push(await this.#context.network.plug(instance, index));
      const monitor = await this.#qemu.launch({
        name: instance.name,
        program: params.text('kvm_path'),
        args: (serialLog) =>
          commandLine({ instance, params, accelerator, disks, taps, sockets, pidFile, serialLog }),
        folder: this.#folder,
        onProcess: (process) => this.#save({ process }),
      });
      await this.#save({ vnc: await prepareVnc(params, monitor) });
      await this.#finishStart(monitor, options.paused);
    } catch (error) {
      await this.#rollBack(before);
      throw error;
    }
  }

  /** Lets a guest execute that has not executed yet, unless it is to be paused, and records the start as finished. */
  async #finishStart(monitor: Monitor, paused: boolean): Promise<void> {
    if (!paused && this.#qemu.status === 'prelaunch') await this.#qemu.resume(monitor);
    if (this.#record?.phase !== 'running') await this.#save({ phase: 'running', by_user: false });
    else this.#context.changed();
  }

  /**
   * Undoes a failed start. A failure of the undo is only logged: the failure of the start is the one to report, and the leftovers of one
   * guest must not keep the worker from starting.
   */
  async #rollBack(before: GuestRecord | null): Promise<void> {
    try {
      const process = await this.#process();
      if (process) await this.#qemu.quit(process);
      await this.#remove(before);
    } catch (error) {
      this.#context.log.warn(
        { err: error, guest: this.#uuid },
        'cannot remove what a failed start left of a guest',
      );
    }
  }

  /** Removes what belonged to the process that is gone, and records its end. */
  async #cleanUp(phase: 'ended' | 'stopped', byUser: boolean): Promise<void> {
    await this.#removeRuntimeFiles();
    await this.#save({ phase, by_user: byUser, process: null, vnc: null });
  }

  /** Removes the tap devices, sockets and pid file of the process that is gone. */
  async #removeRuntimeFiles(): Promise<void> {
    this.#qemu.close();
    this.#context.agent(this.#uuid, 'gone');
    this.#follower.settled();
    await this.#context.network.unplug(this.#uuid);
    await removeSockets(this.#sockets, this.#folder);
    await rm(join(this.#folder, 'pid'), { force: true });
  }

  /** Removes the guest with its folder, or restores the record that it had `before`. */
  async #remove(before: GuestRecord | null = null): Promise<void> {
    await this.#removeRuntimeFiles();
    if (before) await writeRecord(this.#folder, before);
    else await removeFolder(this.#folder);
    this.#record = before;
    this.#context.changed();
  }
}
