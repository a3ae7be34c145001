import type { Clock } from '../../../lib/base/clock.ts';
import { type Change, put } from '../../../lib/store/changes.ts';
import type { Store } from '../../../lib/store/define.ts';
import { aGroup } from '../../helpers/view.ts';

/** A store under test, empty at first, and what a test can do to it from outside. */
export interface StoreUnderTest {
  /** Opens the store: again, or beside those that are open, as another master does. Whatever is open is closed by close(). */
  open(clock?: Clock): Promise<Store>;
  /** Lets every commit fail as on a full disk, until the returned function is called. What is stored can still be read. */
  breakWrites(): Promise<() => Promise<void>>;
  /** How many transactions the store has written, counted from some moment before. */
  transactions(): Promise<number>;
  /** Whether any record of the store has this text in it. */
  contains(text: string): Promise<boolean>;
  /** A program, and its arguments, that opens the store and gives it to writeUntilKilled(). */
  readonly writer: { readonly program: string; readonly args: readonly string[] };
  /** Closes the stores that are open and removes the data. */
  close(): Promise<void>;
}

/** Makes a store to test; each test has one of its own. */
export type MakeStore = () => Promise<StoreUnderTest>;

/** Runs a test with a store that has just been made, by a clock if the test has one. */
export async function inStore(
  make: MakeStore,
  test: (store: Store, subject: StoreUnderTest) => Promise<void>,
  clock?: Clock,
): Promise<void> {
  const subject = await make();
  try {
    await test(await subject.open(clock), subject);
  } finally {
    await subject.close();
  }
}

export const nobody = { job: null };

/** Writes changes that no job makes. */
export const commit = (store: Store, ...changes: Change[]): Promise<void> =>
  store.commit(nobody, () => changes);

/** Adds a node group, the smallest object. */
export const addGroup = (store: Store, name: string): Promise<void> =>
  commit(store, put('nodegroup', aGroup({ name })));

/** The names of all node groups on disk. */
export const groupNames = (store: Store): string[] => store.view.groups.list().map(({ name }) => name);

/** All that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
