// What a disk template is, as data. The rest of the program asks these fields and never compares the names of templates, so a new
// template is one definition, one line in registry.ts, and a storage driver on the nodes (docs/adding-a-driver.md).
import { basename, dirname, join, normalize } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ParamValues } from '../enforce.ts';
import type { StorageType } from '../storage.ts';

/** The location of a disk's data (`logical_id` of a disk). Its form depends on the template, and is Ganeti's. */
export type LogicalId = (string | number)[];

/** What the location of a new disk is derived from. */
export interface NewDisk {
  uuid: string;
  /** The number of the disk among those of its instance. */
  index: number;
  instance: { readonly uuid: string; readonly name: string };
  /** The parameters of the disk in the request. */
  request: Readonly<Record<string, string | number>>;
  /** The driver of a disk that is a file, e.g. `loop`. */
  fileDriver: string;
  /** The requested folder below the storage folder of the cluster; null for none. */
  fileFolder: string | null;
  random: Random;
  cluster: { readonly file_storage_dir: string; readonly shared_file_storage_dir: string };
}

/** The location of a copy; it may have another template than the disk. */
export interface SnapshotPlace {
  dev_type: string;
  logical_id: LogicalId;
}

/** A disk template. */
export interface Template {
  /** False for the template of instances without disks. */
  readonly hasData: boolean;
  /** Two nodes have the data, and the secondary one can take over; the logical id is a MirrorId (model/mirror.ts). */
  readonly mirrored: boolean;
  /** Every node of a group can access the same data, so an instance can run on any of them. */
  readonly shared: boolean;
  /** A node must activate the data before a guest can use it, and deactivate it afterwards. */
  readonly activated: boolean;
  /** The data exists before the disk and remains when the disk is removed: Merapi neither creates, grows nor removes it. */
  readonly foreign: boolean;
  /** The space of a node that its data uses, for the allocator; null when it uses none. */
  readonly space: 'volume-group' | 'file-system' | null;
  /** MiB that each disk uses in addition to its data. */
  readonly metadata: number;
  /** The storage types that it uses, the one that is listed by default first. */
  readonly storage: readonly StorageType[];
  /** The disk parameters that it accepts in addition to those of every disk; `any` if its provider defines them. */
  readonly takes: readonly string[] | 'any';
  /** The parameters that each new disk must have. */
  readonly requires: readonly string[];
  /** Its disks are files with a driver of their own (`file_driver`). */
  readonly fileBased: boolean;
  /** The names of the two parts of the logical id in hooks; null when hooks do not get them. */
  readonly hookNames: readonly [string, string] | null;
  /** The settings of the cluster without which the template cannot be enabled. */
  readonly needs: readonly ('file_storage_dir' | 'gluster_storage_dir' | 'shared_file_storage_dir')[];
  /** The settings of the cluster that cannot be removed while there are such disks. */
  readonly uses: readonly ('drbd_helper' | 'vg_name')[];
  /** The template's parameters (`diskparams`) with their defaults; the type of each is that of its default. */
  readonly params: ParamValues;
  /** The location of a new disk. It contains the uuid of the disk, so that no two disks share one. @throws MerapiError wrong_input */
  logicalId(disk: NewDisk): LogicalId;
  /** The location after the instance is renamed; undefined when it does not depend on the name. */
  placeFor?(instance: string, place: Readonly<LogicalId>): LogicalId;
  /** The location on the same node of a copy of the data, e.g. of a snapshot for an export; `uuid` is the copy's. */
  snapshotPlace(place: Readonly<LogicalId>, uuid: string): SnapshotPlace;
}

/** The volume group of disks and copies that do not name one; Ganeti's default. */
export const VOLUME_GROUP = 'xenvg';

/** The defaults of template definitions. */
const usual = {
  hasData: true,
  mirrored: false,
  shared: false,
  activated: false,
  foreign: false,
  space: null,
  metadata: 0,
  takes: [],
  requires: [],
  fileBased: false,
  hookNames: ['DRIVER', 'ID'],
  needs: [],
  uses: [],
  params: {},
  snapshotPlace: (_place: Readonly<LogicalId>, uuid: string) => volumeFor(VOLUME_GROUP, uuid),
} as const;

type Given = Partial<Template> & Pick<Template, 'storage' | 'logicalId'>;

/** Completes a template definition with defaults. */
export function defineTemplate(given: Given): Template {
  return { ...usual, ...given };
}

/** A logical volume for the copy of a disk. */
export function volumeFor(group: string | number, uuid: string): SnapshotPlace {
  return { dev_type: 'plain', logical_id: [group, `${uuid}.snap`] };
}

/** The file of a new disk, in a folder of its instance below `root`. @throws MerapiError wrong_input when it would be outside `root` */
export function fileBelow(root: string, { uuid, index, instance, fileFolder }: NewDisk): string {
  const below = fileFolder ?? '';
  if (below.startsWith('/') || normalize(below).startsWith('..'))
    throw new MerapiError(
      'wrong_input',
      `file_storage_dir '${below}' must be a folder below the storage folder`,
    );
  return join(root, below, instance.name, `${uuid}.file.disk${index}`);
}

/** The same file in the folder of an instance of another name. */
export function fileOf(instance: string, [driver = '', path = '']: Readonly<LogicalId>): LogicalId {
  return [driver, join(dirname(dirname(String(path))), instance, basename(String(path)))];
}

/** A copy of a file in the same folder, with the same template. */
export const fileBeside =
  (dev_type: string) =>
  ([driver = '', path = '']: Readonly<LogicalId>, uuid: string): SnapshotPlace => ({
    dev_type,
    logical_id: [driver, join(dirname(String(path)), `${uuid}.snap`)],
  });
