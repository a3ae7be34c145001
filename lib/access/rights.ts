import { MerapiError } from '../base/errors.ts';
import type { Action, NamedRef, ObjectRef, RefKind } from '../model/access.ts';
import type { Job, OpInput } from '../model/job.ts';
import type { ClusterView } from '../model/view.ts';
import { parseOp } from '../opcodes/define.ts';
import { named, objectsOf, withUuids } from '../opcodes/objects.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import { objectsOfJob } from './job-objects.ts';
import type { Policy, Scope } from './policy.ts';
import { type Principal, SYSTEM } from './principal.ts';
import { SeenView } from './seen.ts';

/** For messages: what one object of a kind and all of them are called. */
const words: Readonly<Record<RefKind, readonly [one: string, all: string]>> = {
  cluster: ['the cluster', 'the cluster'],
  disk: ['disk', 'disks'],
  duty: ['duty', 'duties'],
  filter: ['job filter', 'job filters'],
  group: ['node group', 'node groups'],
  instance: ['instance', 'instances'],
  job: ['job', 'jobs'],
  network: ['network', 'networks'],
  node: ['node', 'nodes'],
  os: ['OS definition', 'OS definitions'],
  queue: ['the job queue', 'the job queue'],
};

/**
 * The rights of one principal under a policy, in one state of the cluster.
 *
 * An object that the principal may not look at is reported as `not_found`, so that names cannot be guessed; one that they may look at
 * but not change as `forbidden`. An opcode is refused with `forbidden` in both cases: a job with an unknown name is accepted from
 * principals with the right to all objects, and for the others an unknown and a hidden object must look the same.
 */
export class Rights {
  readonly principal: Principal;
  /** The state without any restriction. */
  readonly whole: ClusterView;
  readonly #policy: Policy;

  constructor(policy: Policy, principal: Principal, whole: ClusterView) {
    this.#policy = policy;
    this.principal = principal;
    this.whole = whole;
  }

  /** The objects to which the principal may do this. SYSTEM may do everything, whatever the policy says. */
  scope(action: Action): Scope {
    return this.principal === SYSTEM ? 'all' : this.#policy.scope(this.principal, action);
  }

  /**
   * Whether the principal may do this to an object. Rights to a disk follow from those to its instance, rights to a duty from those to
   * its node and all of its instances.
   */
  may(action: Action, object: ObjectRef): boolean {
    return this.#byScope(
      action,
      () => this.#grants(action, object) || this.#grantsAll(action, ownersOf(object, this.whole)),
    );
  }

  /** Whether the principal may do this to a job: they need the right to all objects that its opcodes name, as it shows data of each. */
  mayJob(action: Action, job: Job): boolean {
    return this.#byScope(
      action,
      () =>
        this.#grants(action, { kind: 'job', id: job.id }) ||
        this.#grantsAll(action, objectsOfJob(job, this.whole)),
    );
  }

  /** @throws MerapiError forbidden; not_found for an object that the principal may not look at either */
  demand(action: Action, object: ObjectRef): void {
    if (this.may(action, object)) return;
    if (object.id !== null && !this.may('look', object)) throw notFound(object);
    throw this.#forbidden(action, textOf(object));
  }

  /** @throws MerapiError as demand() */
  demandJob(action: Action, job: Job): void {
    if (this.mayJob(action, job)) return;
    if (!this.mayJob('look', job)) throw notFound({ kind: 'job', id: job.id });
    throw this.#forbidden(action, `job ${job.id}`);
  }

  /** Requires that there is at least one object to which the principal may do this. @throws MerapiError forbidden */
  demandSome(action: Action, what: string): void {
    if (this.scope(action) === 'none') throw this.#forbidden(action, what);
  }

  /**
   * Checks a request and returns the one to submit: the same, or, when the principal has rights to some objects only, one that names
   * objects by uuid. A name could belong to another object, to which they have no right, by the time when the job runs.
   * @throws MerapiError forbidden, wrong_input when there is no such opcode or its values are wrong
   */
  admitted(input: OpInput): OpInput {
    const opcode = opcodeOf(input.OP_ID);
    const action = opcode.access ?? 'write';
    this.demandSome(action, `anything, and ${input.OP_ID} needs that`);
    if (this.scope(action) === 'all') return input;
    const values = parseOp(opcode, input);
    const refused = objectsOf(opcode, values, this.whole).find((each) => !this.may(action, each));
    if (refused) throw this.#forbidden(action, `${givenText(refused)}, which ${input.OP_ID} needs`);
    return withUuids(opcode, values, this.whole);
  }

  /** The state with only those objects to which the principal may do this; the state itself when they may do it to all. */
  seen(action: Action): ClusterView {
    const scope = this.scope(action);
    return scope === 'all' ? this.whole : new SeenView(this.whole, (object) => this.may(action, object));
  }

  #byScope(action: Action, ask: () => boolean): boolean {
    const scope = this.scope(action);
    return scope === 'some' ? ask() : scope === 'all';
  }

  #grants(action: Action, object: ObjectRef): boolean {
    return this.#policy.mayDo(this.principal, action, object);
  }

  #grantsAll(action: Action, objects: readonly ObjectRef[]): boolean {
    return objects.length > 0 && objects.every((object) => this.#grants(action, object));
  }

  #forbidden(action: Action, what: string): MerapiError {
    return new MerapiError(
      'forbidden',
      `${this.principal.name ?? 'An anonymous user'} may not ${action} ${what}`,
    );
  }
}

/** The objects from which the rights to a disk or a duty follow; none for other kinds. */
function ownersOf({ kind, id }: ObjectRef, view: ClusterView): ObjectRef[] {
  if (kind === 'disk' && id !== null) {
    const instance = view.disk(id)?.instance ?? null;
    return instance === null ? [] : [{ kind: 'instance', id: instance }];
  }
  if (kind === 'duty' && id !== null) {
    const duty = view.duty(id);
    if (!duty) return [];
    return [{ kind: 'node', id: duty.node }, ...duty.instances.map((name) => named(view, 'instance', name))];
  }
  return [];
}

function notFound(object: ObjectRef): MerapiError {
  return new MerapiError('not_found', `There is no ${textOf(object)}`);
}

function textOf({ kind, id }: ObjectRef): string {
  const [one, all] = words[kind];
  return id === null ? all : `${one} ${id}`;
}

/** An object by the name in the request: the message must not reveal whether it exists. */
function givenText({ kind, name }: NamedRef): string {
  const [one, all] = words[kind];
  return name === null ? all : `${one} '${name}'`;
}
