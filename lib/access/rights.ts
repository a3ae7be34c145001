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

/** What one object of a kind is called, and all of them together. */
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
 * What one principal may do, by a policy, in one state of the cluster.
 *
 * What someone may not even look at answers as if it did not exist, so that nobody finds out names by trying them; what they may look at
 * and not change is forbidden. An opcode is always forbidden, for a job on a name that does not exist would be taken from those
 * who have the right to all objects, and the two cases must look the same to those who have not.
 */
export class Rights {
  readonly principal: Principal;
  /** The state, whoever may see it. */
  readonly whole: ClusterView;
  readonly #policy: Policy;

  constructor(policy: Policy, principal: Principal, whole: ClusterView) {
    this.#policy = policy;
    this.principal = principal;
    this.whole = whole;
  }

  /** Over which objects the principal may do this. Merapi itself may do everything, whatever the policy. */
  scope(action: Action): Scope {
    return this.principal === SYSTEM ? 'all' : this.#policy.scope(this.principal, action);
  }

  /**
   * Whether the principal may do this to an object. A disk comes with its instance, and a duty with its node and the instances
   * that it is about.
   */
  may(action: Action, object: ObjectRef): boolean {
    return this.#byScope(
      action,
      () => this.#grants(action, object) || this.#grantsAll(action, partsOf(object, this.whole)),
    );
  }

  /** Whether the principal may do this to a job: to all objects that its opcodes name, for it says what was done to each. */
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

  /** Sees to it that there is anything at all to which the principal may do this. @throws MerapiError forbidden */
  demandSome(action: Action, what: string): void {
    if (this.scope(action) === 'none') throw this.#forbidden(action, what);
  }

  /**
   * What is to be submitted when someone wants to submit this: the same, or for someone with rights to some objects only a request that
   * says by uuid which objects it means, for what its names stand for may be another object when the job runs.
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

  /** The state as far as the principal may do this to the objects in it: the state itself for who may do it to all. */
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

/** The objects that something is a part of, or about; none for what stands by itself. */
function partsOf({ kind, id }: ObjectRef, view: ClusterView): ObjectRef[] {
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

/** An object as the request named it: whether there is one of that name must not show. */
function givenText({ kind, name }: NamedRef): string {
  const [one, all] = words[kind];
  return name === null ? all : `${one} '${name}'`;
}
