// The runtime facts of all nodes (free memory, which guests run), as the node workers report them. They are in memory only: after a
// start of the master nothing is known until the nodes report. "Unknown" and "not running" must not be confused, see isRunning().
import type { Instance } from '../model/instance.ts';
import type { GuestFacts, RuntimeFacts } from './types.ts';

/** Read access to the runtime facts. */
export interface RuntimeView {
  /** The facts of a node (uuid); null while it cannot be reached. */
  of(node: string): RuntimeFacts | null;
  /** The facts of an instance's guest on a node; undefined when it does not exist there or the node cannot be reached. */
  guest(node: string, instance: GuestOwner): GuestFacts | undefined;
  /** The hooks that a node last reported to this master process, also while it cannot be reached; null before its first report. */
  hooks(node: string): readonly string[] | null;
  /** A copy that does not change any more. */
  frozen(): RuntimeView;
}

/** What an instance's guest is found by. */
export type GuestOwner = Pick<Instance, 'uuid' | 'name'>;

/**
 * Guests by what tells them from each other: the uuid, because the guest of a removed instance may remain under a name that another
 * instance has by now. A guest whose record its node cannot read has no uuid, and is told by its name. Of several the first one counts.
 */
export class Guests {
  readonly #byUuid = new Map<string, GuestFacts>();
  readonly #unidentified = new Map<string, GuestFacts>();

  constructor(guests: Iterable<GuestFacts>) {
    for (const guest of guests) {
      const [known, key] = guest.uuid === '' ? [this.#unidentified, guest.name] : [this.#byUuid, guest.uuid];
      if (!known.has(key)) known.set(key, guest);
    }
  }

  /** The guest of an instance. */
  of({ uuid, name }: GuestOwner): GuestFacts | undefined {
    return this.#byUuid.get(uuid) ?? this.#unidentified.get(name);
  }
}

interface Entry {
  facts: RuntimeFacts;
  guests: Guests;
}

/** The table of runtime facts that the node connections keep up to date. */
export class RuntimeTable implements RuntimeView {
  readonly #entries: Map<string, Entry>;
  /** Kept when the facts are dropped: a node that cannot be reached still has its hooks. */
  readonly #hooks: Map<string, readonly string[]>;
  readonly #listeners = new Set<
    (node: string, before: RuntimeFacts | null, after: RuntimeFacts | null) => void
  >();

  constructor(
    entries: Iterable<readonly [string, Entry]> = [],
    hooks: Iterable<readonly [string, readonly string[]]> = [],
  ) {
    this.#entries = new Map(entries);
    this.#hooks = new Map(hooks);
  }

  of(node: string): RuntimeFacts | null {
    return this.#entries.get(node)?.facts ?? null;
  }

  guest(node: string, instance: GuestOwner): GuestFacts | undefined {
    return this.#entries.get(node)?.guests.of(instance);
  }

  hooks(node: string): readonly string[] | null {
    return this.#hooks.get(node) ?? null;
  }

  frozen(): RuntimeView {
    return new RuntimeTable(this.#entries, this.#hooks);
  }

  /** Stores the facts of a node. Facts of the same worker process that are not newer than the known ones are ignored. */
  update(node: string, facts: RuntimeFacts): void {
    const known = this.#entries.get(node)?.facts ?? null;
    if (known && known.epoch === facts.epoch && known.version >= facts.version) return;
    this.#entries.set(node, {
      facts,
      guests: new Guests(facts.guests),
    });
    this.#hooks.set(node, facts.node.hooks ?? []);
    for (const listener of this.#listeners) listener(node, known, facts);
  }

  /** Removes the facts of a node that cannot be reached or has been removed. */
  drop(node: string): void {
    const known = this.#entries.get(node)?.facts;
    if (!known) return;
    this.#entries.delete(node);
    for (const listener of this.#listeners) listener(node, known, null);
  }

  /** Calls back at every change until the returned function is called. Null means that the node cannot be reached. */
  subscribe(
    listener: (node: string, before: RuntimeFacts | null, after: RuntimeFacts | null) => void,
  ): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Whether the instance runs on its primary node. While nothing is known about that node, an instance that is meant to run counts as
 * running: a job that took it for stopped, and is then undone, would leave it stopped.
 */
export function isRunning(runtime: RuntimeView, instance: Instance): boolean {
  if (runtime.of(instance.primary_node) === null) return instance.admin_state === 'up';
  const guest = runtime.guest(instance.primary_node, instance);
  return guest !== undefined && guest.state !== 'stopped';
}
