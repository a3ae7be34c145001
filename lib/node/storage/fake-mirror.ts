// Simulated mirrored disks (DRBD). Both sides of a disk share one folder FOLDER/UUID: the data, and NODE.json with the state of each side.
// The state of a side:
//
//   (none)      -> consistent     create() of the first side, which also creates the data
//               -> inconsistent   create() of a further side
//   inconsistent -> consistent    it was active together with a consistent side of the same mirror for size / PACE ms
//   any         -> (none)         remove(); the last side removes the data
//
// Synchronisation is not executed: its progress is computed from the times of activation, so it goes on without a worker.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import { readStateFile, type StateFormat, writeStateFile } from '../../base/state-file.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import type { DiskTarget, MirrorStatus } from '../../rpc/types.ts';
import { fileStem } from '../names.ts';
import type { DiskStatus, StorageDriver } from './define.ts';
import { PathStorage } from './path-storage.ts';
import { createRaw, emptyRaw, growRaw, ignore, sizeOfRaw } from './raw.ts';

/** The contents of a side's file. */
const Side = z.object({
  /** The id of the mirror that it belongs to. A node that was replaced while it was unreachable keeps a side of the old mirror. */
  mirror: z.string(),
  /** MiB */
  size: z.number().int(),
  active: z.boolean(),
  primary: z.boolean(),
  /** Whether it has all data, as of when the file was written; synchronisation since then is not in the file. */
  current: z.boolean(),
  /** When it was last activated, in milliseconds since 1970. */
  since: z.number(),
});
type Side = z.infer<typeof Side>;

const format: StateFormat<Side> = {
  what: 'one side of a mirrored disk',
  remedy:
    'the disk and its data are not touched: run the Merapi release that wrote the file, or repair the file',
  version: 1,
  schema: Side,
};

/** Speed of a simulated synchronisation, in MiB per millisecond. */
const PACE = 64;
const DATA = 'data';
const SUFFIX = '.json';

/** The driver of simulated disks that are mirrored between two nodes; `folder` is shared by all simulated nodes of the machine. */
export class FakeMirrorStorage extends PathStorage implements StorageDriver {
  readonly template: DiskTemplate;
  readonly simulated = true;
  readonly #folder: string;
  readonly #node: string;
  readonly #clock: Clock;

  /** `node` is the name of this node's side. */
  constructor(template: DiskTemplate, folder: string, node: string, clock: Clock) {
    super();
    this.template = template;
    this.#folder = folder;
    this.#node = node;
    this.#clock = clock;
  }

  async create(disk: DiskTarget): Promise<void> {
    const own = await this.#own(disk);
    if (own && own.size !== disk.size)
      throw new MerapiError(
        'block_device',
        `This side of disk ${disk.uuid} exists with ${own.size} MiB; it should have ${disk.size} MiB`,
      );
    if (own) return;
    const isFirst = (await this.#others(disk)).length === 0;
    if (isFirst) await createRaw(this.#data(disk), disk.size);
    const state = { active: false, primary: false, current: isFirst, since: 0 };
    await this.#write(disk, { mirror: nameOf(disk), size: disk.size, ...state });
  }

  async empty(disk: DiskTarget): Promise<void> {
    await emptyRaw(this.#data(disk), disk.size);
  }

  async grow(disk: DiskTarget, size: number): Promise<void> {
    const own = await this.#existing(disk);
    await growRaw(this.#data(disk), size);
    if (own.size < size) await this.#write(disk, { ...own, size });
  }

  async activate(disk: DiskTarget, primary: boolean): Promise<void> {
    const own = await this.#existing(disk);
    const mirror = nameOf(disk);
    const isSame = own.active && own.mirror === mirror;
    if (isSame && own.primary === primary) return;
    const since = isSame ? own.since : this.#now();
    await this.#write(disk, { ...own, mirror, active: true, primary, since });
  }

  async deactivate(disk: DiskTarget): Promise<void> {
    const own = await this.#own(disk);
    if (!own?.active) return;
    const now = this.#now();
    // Sides that are in sync by now are stored as such; an unfinished synchronisation starts from scratch later.
    const [name, other] = (await this.#peer(disk, own)) ?? [];
    if (other && isInSync(other, own, disk.size, now))
      await this.#write(disk, { ...other, current: true }, name);
    const current = own.current || (other !== undefined && isInSync(own, other, disk.size, now));
    await this.#write(disk, { ...own, active: false, primary: false, current });
  }

  async remove(disk: DiskTarget): Promise<void> {
    await this.deactivate(disk);
    const folder = this.#folderOf(disk);
    await rm(join(folder, this.#node + SUFFIX), { force: true });
    if ((await this.#others(disk)).length === 0) {
      await rm(folder, { recursive: true, force: true });
      await syncFolder(this.#folder).catch(ignore('ENOENT'));
    }
  }

  async status(disk: DiskTarget): Promise<DiskStatus> {
    const own = await this.#own(disk);
    const path = this.#data(disk);
    if (!own || (await sizeOfRaw(path)) === null)
      return { path, exists: false, size: null, active: false, mirror: null };
    const other = (await this.#peer(disk, own))?.[1];
    return {
      path,
      exists: true,
      size: own.size,
      active: own.active,
      mirror: mirrorOf(own, other, own.size, this.#now()),
    };
  }

  /** Milliseconds since 1970, by the clock that all sides share. */
  #now(): number {
    return this.#clock.seconds() * 1000;
  }

  /** This node's side. @throws MerapiError block_device when it has none */
  async #existing(disk: DiskTarget): Promise<Side> {
    const own = await this.#own(disk);
    if (!own) throw new MerapiError('block_device', `This node holds no side of disk ${disk.uuid}`);
    return own;
  }

  /** The other side of the same mirror, with the name of its node. */
  async #peer(disk: DiskTarget, own: Side): Promise<[string, Side] | undefined> {
    return (await this.#others(disk)).find(([, side]) => side.mirror === own.mirror);
  }

  #own(disk: DiskTarget): Promise<Side | null> {
    return this.#read(disk, this.#node);
  }

  /** The sides of all other nodes, of this and of older mirrors, with the names of the nodes. */
  async #others(disk: DiskTarget): Promise<[string, Side][]> {
    const files = (await readdir(this.#folderOf(disk)).catch(ignore('ENOENT'))) ?? [];
    const found: [string, Side][] = [];
    for (const file of files.sort()) {
      const name = file.slice(0, -SUFFIX.length);
      if (!file.endsWith(SUFFIX) || name === this.#node) continue;
      const side = await this.#read(disk, name);
      if (side) found.push([name, side]);
    }
    return found;
  }

  #read(disk: DiskTarget, name: string): Promise<Side | null> {
    return readStateFile(join(this.#folderOf(disk), name + SUFFIX), format);
  }

  async #write(disk: DiskTarget, side: Side, name = this.#node): Promise<void> {
    await mkdir(this.#folderOf(disk), { recursive: true, mode: 0o700 });
    await writeStateFile(join(this.#folderOf(disk), name + SUFFIX), format, side);
  }

  #folderOf(disk: DiskTarget): string {
    return join(this.#folder, fileStem(disk.uuid));
  }

  #data(disk: DiskTarget): string {
    return join(this.#folderOf(disk), DATA);
  }
}

/** The id of a disk's present mirror, from its two nodes; it changes when a node is replaced. */
const nameOf = ({ logical_id }: DiskTarget) => logical_id.slice(0, 2).join('/');

/** Milliseconds until a side has all data of the other; Infinity when they are not synchronising. */
function syncLeft(side: Side, from: Side, size: number, now: number): number {
  if (side.current) return 0;
  if (!side.active || !from.active || !from.current) return Number.POSITIVE_INFINITY;
  const left = Math.max(side.since, from.since) + size / PACE - now;
  return Math.min(Math.max(left, 0), size / PACE); // the clock may have been set back
}

const isInSync = (side: Side, from: Side, size: number, now: number) => syncLeft(side, from, size, now) === 0;

/** The state of a side as it is reported now. */
function mirrorOf(own: Side, other: Side | undefined, size: number, now: number): MirrorStatus {
  const current = own.current || (other !== undefined && isInSync(own, other, size, now));
  const alone = { primary: own.primary, current, degraded: true, sync_percent: null, estimated_time: null };
  if (!other?.active || !own.active) return alone;
  const left = Math.max(syncLeft(own, other, size, now), syncLeft(other, own, size, now));
  if (left === 0) return { ...alone, degraded: false };
  if (left === Number.POSITIVE_INFINITY) return alone;
  const done = Math.min(99.9, Math.max(0, 100 - (100 * left * PACE) / size));
  return { ...alone, sync_percent: done, estimated_time: Math.ceil(left / 1000) };
}
