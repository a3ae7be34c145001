import type { Instance } from '../model/instance.ts';
import type { GuestFacts, RuntimeFacts } from './types.ts';

/** What the master knows of the nodes' runtime: read-only, in memory, never stored. */
export interface RuntimeView {
  /** The facts of a node (uuid); null while it cannot be reached. */
  of(node: string): RuntimeFacts | null;
  /** The facts of one guest on a node; undefined when it does not exist there or the node cannot be reached. */
  guest(node: string, instanceName: string): GuestFacts | undefined;
  /** The hooks that a node had when it last told its facts in this life of the master; null when it has told none yet. */
  hooks(node: string): readonly string[] | null;
  /** What is known at this moment, and does not change any more. */
  frozen(): RuntimeView;
}

interface Entry {
  facts: RuntimeFacts;
  guests: ReadonlyMap<string, GuestFacts>;
}

/** The table of runtime facts that the node connections keep up to date. */
export class RuntimeTable implements RuntimeView {
  readonly #entries: Map<string, Entry>;
  /** Outlives the facts: that a node does not answer does not mean that it has no hooks. */
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

  guest(node: string, instanceName: string): GuestFacts | undefined {
    return this.#entries.get(node)?.guests.get(instanceName);
  }

  hooks(node: string): readonly string[] | null {
    return this.#hooks.get(node) ?? null;
  }

  frozen(): RuntimeView {
    return new RuntimeTable(this.#entries, this.#hooks);
  }

  /** Takes newer facts in; facts that are not newer than the known ones of the same worker life are dropped. */
  update(node: string, facts: RuntimeFacts): void {
    const known = this.#entries.get(node)?.facts ?? null;
    if (known && known.epoch === facts.epoch && known.version >= facts.version) return;
    this.#entries.set(node, { facts, guests: new Map(facts.guests.map((guest) => [guest.name, guest])) });
    this.#hooks.set(node, facts.node.hooks ?? []);
    for (const listener of this.#listeners) listener(node, known, facts);
  }

  /** Forgets a node's facts: it cannot be reached, or is gone. */
  drop(node: string): void {
    const known = this.#entries.get(node)?.facts;
    if (!known) return;
    this.#entries.delete(node);
    for (const listener of this.#listeners) listener(node, known, null);
  }

  /** Calls back at every change until the returned function is called. */
  subscribe(
    listener: (node: string, before: RuntimeFacts | null, after: RuntimeFacts | null) => void,
  ): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Whether the instance runs on its primary node. While nothing is known of that node, as just after its worker has come back,
 * one that is meant to run does: who took it for stopped would leave it stopped where a job fails.
 */
export function isRunning(runtime: RuntimeView, instance: Instance): boolean {
  if (runtime.of(instance.primary_node) === null) return instance.admin_state === 'up';
  const guest = runtime.guest(instance.primary_node, instance.name);
  return guest !== undefined && guest.state !== 'stopped';
}
