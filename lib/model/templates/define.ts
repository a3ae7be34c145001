import { basename, dirname, join, normalize } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ParamValues } from '../enforce.ts';
import type { StorageType } from '../storage.ts';

/** Where the data of a disk is, in the form of its template (`logical_id` of a disk). */
export type LogicalId = (string | number)[];

/** What the place of a new disk's data is made from. */
export interface NewDisk {
  uuid: string;
  /** The number of the disk among those of its instance. */
  index: number;
  instance: { readonly uuid: string; readonly name: string };
  /** What the request says of the disk. */
  request: Readonly<Record<string, string | number>>;
  /** The driver of a disk that is a file, e.g. `loop`. */
  fileDriver: string;
  /** A folder below that of the cluster; null for none. */
  fileFolder: string | null;
  random: Random;
  cluster: { readonly file_storage_dir: string; readonly shared_file_storage_dir: string };
}

/** A place of another template, or of the same. */
export interface SnapshotPlace {
  dev_type: string;
  logical_id: LogicalId;
}

/**
 * A disk template as data: what the rest of the program asks instead of its name. A new template is one of these, a line in the
 * registry, and a storage driver for the nodes.
 */
export interface Template {
  /** False for the template of instances without disks. */
  readonly hasData: boolean;
  /** Two nodes hold the data, and the second one can take over; the logical id is a MirrorId (model/mirror.ts). */
  readonly mirrored: boolean;
  /** Every node of a group reaches the same data, so an instance can run on any of them. */
  readonly shared: boolean;
  /** A node has to activate the data before a guest can use it, and to deactivate it when none does. */
  readonly activated: boolean;
  /** The data was there before the disk and stays when the disk is removed: it is neither made, grown nor removed. */
  readonly foreign: boolean;
  /** What of a node's space its data takes, as far as the choice of nodes counts it; null for none. */
  readonly space: 'volume-group' | 'file-system' | null;
  /** MiB that each disk takes beside its data. */
  readonly metadata: number;
  /** The kinds of storage that it uses, the one that is listed by default first. */
  readonly storage: readonly StorageType[];
  /** The disk parameters that it takes beside those of every disk; `any` where its provider decides. */
  readonly takes: readonly string[] | 'any';
  /** The parameters that each new disk must have. */
  readonly requires: readonly string[];
  /** Its disks are files with a driver of their own (`file_driver`). */
  readonly fileBased: boolean;
  /** How hooks name the two parts of the logical id; null where they are not shown. */
  readonly hookNames: readonly [string, string] | null;
  /** The settings of the cluster without which the template cannot be enabled. */
  readonly needs: readonly ('file_storage_dir' | 'gluster_storage_dir' | 'shared_file_storage_dir')[];
  /** The settings of the cluster that cannot be emptied while there are such disks. */
  readonly uses: readonly ('drbd_helper' | 'vg_name')[];
  /** The template's parameters (`diskparams`) with their defaults; the type of each is that of its default. */
  readonly params: ParamValues;
  /** Where the data of a new disk will be; its uuid is part of that place. @throws MerapiError wrong_input */
  logicalId(disk: NewDisk): LogicalId;
  /** Where the data is once its instance has this name; not there where the place does not depend on the name. */
  placeFor?(instance: string, place: Readonly<LogicalId>): LogicalId;
  /** Where a copy of a disk's data, made while the guest runs, is kept on the same node; `uuid` is that of the copy. */
  snapshotPlace(place: Readonly<LogicalId>, uuid: string): SnapshotPlace;
}

/** The volume group of disks and copies for which nothing names one. */
export const VOLUME_GROUP = 'xenvg';

/** What most templates have in common. */
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

/** A template; what is not said is as it is with most. */
export function defineTemplate(given: Given): Template {
  return { ...usual, ...given };
}

/** A volume of the node for the copy of a disk. */
export function volumeFor(group: string | number, uuid: string): SnapshotPlace {
  return { dev_type: 'plain', logical_id: [group, `${uuid}.snap`] };
}

/** The file of a new disk, in a folder of its instance below `root`. @throws MerapiError wrong_input when it would be elsewhere */
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

/** The copy of a file, beside it; a disk of the same template. */
export const fileBeside =
  (dev_type: string) =>
  ([driver = '', path = '']: Readonly<LogicalId>, uuid: string): SnapshotPlace => ({
    dev_type,
    logical_id: [driver, join(dirname(String(path)), `${uuid}.snap`)],
  });
