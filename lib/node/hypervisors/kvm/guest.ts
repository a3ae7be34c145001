import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { MerapiError, toFailure } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { endsWithin } from '../../../base/within.ts';
import type { GuestFacts, InstanceTarget } from '../../../rpc/types.ts';
import type { GuestNetwork, LostDevice, NewDevice, OpenDisk, StartOptions, StopOptions } from '../define.ts';
import { setMemory } from './balloon.ts';
import { placeOf, resizeBlock } from './blocks.ts';
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
import { TaskQueue } from './queue.ts';
import { type GuestRecord, readRecord, removeFolder, writeRecord } from './record.ts';
import { type GuestSockets, makeSocketFolder, removeSockets, socketsOf } from './sockets.ts';
import { isLeftover } from './unknown.ts';

/** What all guests of a driver share. */
export interface GuestContext {
  network: GuestNetwork;
  log: Logger;
  accelerator(params: KvmParams): Promise<Accelerator>;
  /** Milliseconds that a running guest has to release a device, or memory. */
  patience: number;
  /** To be called whenever the facts of a guest may have changed. */
  changed(): void;
}

/** Milliseconds that the start of the worker waits for a guest's process to answer. */
const LOAD_TIMEOUT = 2000;
/** Milliseconds that the end of the worker waits for what is under way with a guest. */
const CLOSE_TIMEOUT = 3000;

/** One guest: its record on disk and its QEMU process. All operations on it run one after the other. */
export class Guest {
  readonly #context: GuestContext;
  readonly #folder: string;
  readonly #uuid: string;
  readonly #sockets: GuestSockets;
  readonly #qemu: Qemu;
  readonly #queue = new TaskQueue();
  readonly #follower: Follower;
  #record: GuestRecord | null = null;
  /** Whether stops no longer wait for the guest to shut down. */
  #hurried = false;
  #closed = false;

  /** @param folder where all of the guest is kept, named by its uuid */
  constructor(context: GuestContext, folder: string, uuid: string) {
    this.#context = context;
    this.#folder = folder;
    this.#uuid = uuid;
    this.#sockets = socketsOf(folder);
    this.#follower = new Follower({
      ...{ uuid, queue: this.#queue, log: context.log, changed: () => context.changed() },
      takeUp: () => this.#takeUp(),
      process: () => this.#process(),
    });
    this.#qemu = new Qemu(this.#sockets.qmp, {
      onState: () => context.changed(),
      onShutDown: () => this.#follower.takeUpSoon(),
      onLost: (fault) => this.#follower.lost(fault),
    });
  }

  /**
   * Continues with what an earlier life of the worker left, where that is understood; `found` is the guest's process as the process
   * table shows it. A process that does not answer soon is followed later: only operations on this guest wait for it.
   */
  async load(found: ProcessId | null): Promise<void> {
    await this.#queue.run(async () => {
      this.#record = await readRecord(this.#folder);
      if (!this.#record) return (await isLeftover(this.#folder)) ? this.#remove() : undefined;
      if (found && !(await this.#process())) this.#record = { ...this.#record, process: found };
    });
    await endsWithin(this.#follower.takeUp(), LOAD_TIMEOUT, systemClock);
  }

  /** What is known of the guest; null when it neither runs nor ended by itself. */
  facts(): GuestFacts | null {
    return this.#record && factsOf(this.#record, this.#qemu.status, this.#sockets, this.#follower.trouble);
  }

  start(instance: InstanceTarget, options: StartOptions): Promise<void> {
    return this.#queue.run(async () => {
      const process = await this.#process();
      if (process) {
        const monitor = await this.#qemu.connect(process);
        if (this.#qemu.status !== 'shutdown') return this.#goOn(monitor, options.paused);
        await this.#qemu.quit(process);
      }
      if (this.#hasProcess()) await this.#cleanUp('ended', this.#record?.by_user ?? false);
      await this.#startNew(instance, options);
    });
  }

  stop({ timeout, force, signal }: StopOptions): Promise<void> {
    if (force) this.#hurry(); // another stop may be waiting for the guest, or be about to
    return this.#queue.run(async () => {
      if (force) this.#hurried = false;
      if (!this.#record || this.#record.phase === 'stopped') return;
      const process = await this.#process();
      if (process) {
        await this.#save({ phase: 'stopping', by_user: false });
        const hasButton = readParams(this.#record.instance).flag('acpi');
        if (!force && hasButton && !this.#hurried) await this.#qemu.shutDown(process, timeout, signal);
        if (this.#closed)
          throw new MerapiError('unavailable', 'The worker ends; the guest has been asked to shut down');
        if (signal?.aborted && this.#qemu.status === 'running') {
          if (toFailure(signal.reason).code === 'canceled') await this.#save({ phase: 'running' });
          throw signal.reason;
        }
        await this.#qemu.quit(process);
      }
      await this.#cleanUp('stopped', false);
    });
  }

  reset(): Promise<void> {
    return this.#whileUp(async (monitor) => {
      await monitor.execute('system_reset');
      if (this.#qemu.status !== 'running') await this.#qemu.resume(monitor);
    }, 'it cannot be reset');
  }

  /** Tells the guest that one of its disks has grown to its size. */
  resize(disk: OpenDisk): Promise<void> {
    return this.#whileUp((monitor) => resizeBlock(monitor, disk));
  }

  /** Sets the guest's memory (MiB). */
  setMemory(memory: number): Promise<void> {
    return this.#whileUp(async (monitor) => {
      await setMemory(monitor, memory, this.#context.patience);
      await this.#save({ memory });
    }, 'its memory stays');
  }

  /** Gives the guest a device of the instance. */
  plug(instance: InstanceTarget, device: NewDevice): Promise<void> {
    return this.#whileUp(async (monitor, record) =>
      this.#save({ instance: await plug(monitor, record.instance, { ...this.#context, instance, device }) }),
    );
  }

  /** Removes a device that the instance has from the guest. */
  unplug(instance: InstanceTarget, device: LostDevice): Promise<void> {
    return this.#whileUp(async (monitor, record) =>
      this.#save({
        instance: await unplug(monitor, record.instance, { ...this.#context, instance, device }),
      }),
    );
  }

  forget(): Promise<void> {
    return this.#queue.run(async () => {
      if (await this.#process())
        throw new MerapiError('wrong_state', 'The instance runs; stop it before it is forgotten');
      await this.#remove();
    });
  }

  /** Lets go of the guest without touching it. A stop that waits for the guest ends with an error. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#follower.close();
    this.#hurry();
    this.#qemu.giveUp();
    const rest = this.#queue.run(async () => undefined);
    await endsWithin(rest, CLOSE_TIMEOUT, systemClock);
    this.#qemu.close();
  }

  #hurry(): void {
    this.#hurried = true;
    this.#qemu.hurry();
  }

  /** Does something with the guest while it runs; where it does not, it fails with `absent` as the consequence, or succeeds without one. */
  #whileUp(work: (monitor: Monitor, record: GuestRecord) => Promise<void>, absent?: string): Promise<void> {
    return this.#queue.run(async () => {
      const process = await this.#process();
      const monitor = process && (await this.#qemu.connect(process));
      if (monitor && this.#record && this.#qemu.status !== 'shutdown') return work(monitor, this.#record);
      if (absent !== undefined)
        throw new MerapiError('wrong_state', `The instance does not run, so ${absent}`);
    });
  }

  /** The guest's process, or null when it is gone. */
  async #process(): Promise<ProcessId | null> {
    const id = this.#record?.process;
    return id && (await runsGuest(id, this.#folder)) ? id : null;
  }

  /** Whether there is a process, or was one whose end is not noted yet. */
  #hasProcess(): boolean {
    return this.#record !== null && ['starting', 'running', 'stopping'].includes(this.#record.phase);
  }

  async #save(changes: Partial<GuestRecord>): Promise<void> {
    if (!this.#record) throw new MerapiError('internal_error', 'A guest without a record cannot change');
    this.#record = { ...this.#record, ...changes };
    await writeRecord(this.#folder, this.#record);
    this.#context.changed();
  }

  /** Brings record and process into agreement: connects to a living process, or notes the end of a dead one. */
  async #takeUp(): Promise<void> {
    const record = this.#record;
    if (this.#closed || !record || !this.#hasProcess()) return;
    const process = await this.#process();
    if (process && (await this.#qemu.isReachable(process))) {
      this.#follower.settled();
      if (this.#qemu.status !== 'shutdown') return this.#context.changed();
      if (record.phase === 'running') await this.#save({ phase: 'stopping', by_user: true });
      await this.#qemu.quit(process);
    }
    const asked = record.phase === 'stopping' && !record.by_user;
    if (record.phase === 'starting') await this.#remove();
    else await this.#cleanUp(asked ? 'stopped' : 'ended', this.#record?.by_user ?? false);
  }

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
      const disks = await Promise.all(options.sources.map(placeOf));
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
      await this.#goOn(monitor, options.paused);
    } catch (error) {
      await this.#rollBack(before);
      throw error;
    }
  }

  /** Resumes a guest that has not executed anything yet, unless it is to be paused; marks the start as finished. */
  async #goOn(monitor: Monitor, paused: boolean): Promise<void> {
    if (!paused && this.#qemu.status === 'prelaunch') await this.#qemu.resume(monitor);
    if (this.#record?.phase !== 'running') await this.#save({ phase: 'running', by_user: false });
    else this.#context.changed();
  }

  /** Undoes a start that failed; a failure of its own is only logged, so that the first one is reported. */
  async #rollBack(before: GuestRecord | null): Promise<void> {
    try {
      const process = await this.#process();
      if (process) await this.#qemu.quit(process);
      await this.#remove(before);
    } catch (error) {
      this.#context.log.warn({ err: error, guest: this.#uuid }, 'cannot clean up after a failed start');
    }
  }

  /** Removes what belonged to the process that is gone, and notes its end. */
  async #cleanUp(phase: 'ended' | 'stopped', byUser: boolean): Promise<void> {
    await this.#sweep();
    await this.#save({ phase, by_user: byUser, process: null, vnc: null });
  }

  async #sweep(): Promise<void> {
    this.#qemu.close();
    this.#follower.settled();
    await this.#context.network.unplug(this.#uuid);
    await removeSockets(this.#sockets, this.#folder);
    await rm(join(this.#folder, 'pid'), { force: true });
  }

  /** Removes the guest, or puts back what was known of it `before`. */
  async #remove(before: GuestRecord | null = null): Promise<void> {
    await this.#sweep();
    if (before) await writeRecord(this.#folder, before);
    else await removeFolder(this.#folder);
    this.#record = before;
    this.#context.changed();
  }
}
