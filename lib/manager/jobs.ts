import type { Rights } from '../access/rights.ts';
import { MerapiError } from '../base/errors.ts';
import { dependsOf } from '../jobs/waiting.ts';
import type { Action } from '../model/access.ts';
import type { OpInput } from '../model/job.ts';
import { parseOp } from '../opcodes/define.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import type { Manager } from './define.ts';
import { eventFeed } from './events.ts';
import { follow } from './follow.ts';
import type { ManagerContext } from './parts.ts';
import { seenJobs } from './sources.ts';
import { waitForNews } from './waiting.ts';

type JobFunctions = Pick<
  Manager,
  | 'submit'
  | 'jobIds'
  | 'jobs'
  | 'job'
  | 'cancelJob'
  | 'whyJob'
  | 'archiveJob'
  | 'archiveJobs'
  | 'waitForJob'
  | 'runToEnd'
  | 'follow'
  | 'queueState'
  | 'setQueue'
  | 'filters'
  | 'putFilter'
  | 'removeFilter'
  | 'duties'
  | 'giveUpDuty'
  | 'events'
>;

const theQueue = { kind: 'queue', id: null } as const;

/** Jobs, the queue with its filters, what jobs left to be done, and what happens. */
export function jobFunctions({
  store,
  queue,
  history,
  clock,
  random,
  rightsOf,
}: ManagerContext): JobFunctions {
  /** @throws MerapiError forbidden, not_found */
  const demandJob = async (rights: Rights, action: Action, id: number) => {
    rights.demandSome(action, `job ${id}`);
    if (rights.scope(action) === 'all') return;
    const job = await queue.get(id);
    if (!job) throw noJob(id);
    rights.demandJob(action, job);
  };
  /** A job depends on others only if whoever submits it may look at them, for it shows how they end. */
  const demandDependencies = async (rights: Rights, ops: readonly OpInput[]) => {
    if (rights.scope('look') === 'all') return;
    for (const [id] of ops.flatMap((op) => dependsOf(parseOp(opcodeOf(op.OP_ID), op)))) {
      if (id < 0)
        throw new MerapiError(
          'forbidden',
          `Give the number of the job to depend on, not ${id}: that may be anybody's`,
        );
      await demandJob(rights, 'look', id);
    }
  };
  const submit: Manager['submit'] = async (principal, ops, key = null) => {
    const rights = rightsOf(principal);
    const admitted = ops.map((op) => rights.admitted(op));
    await demandDependencies(rights, ops);
    return queue.submit(admitted, key && { ...key, principal: principal.name ?? '' }, principal.name);
  };
  const events: Manager['events'] = (principal) => {
    rightsOf(principal).demandSome('look', 'events');
    return eventFeed(store.events, () => rightsOf(principal), queue);
  };
  return {
    submit,

    async jobIds(principal) {
      const rights = rightsOf(principal);
      rights.demandSome('look', 'jobs');
      if (rights.scope('look') === 'all') return store.jobs.ids();
      const ids: number[] = [];
      for await (const { id } of seenJobs(queue, rights, 'look').all()) ids.push(id);
      return ids;
    },

    async *jobs(principal) {
      const rights = rightsOf(principal);
      rights.demandSome('look', 'jobs');
      yield* seenJobs(queue, rights, 'look').all();
    },

    async job(principal, id) {
      const rights = rightsOf(principal);
      rights.demandSome('look', `job ${id}`);
      return seenJobs(queue, rights, 'look').get(id);
    },

    async cancelJob(principal, id) {
      await demandJob(rightsOf(principal), 'write', id);
      return queue.cancel(id);
    },

    async whyJob(principal, id) {
      await demandJob(rightsOf(principal), 'look', id);
      return queue.why(id);
    },

    async archiveJob(principal, id) {
      await demandJob(rightsOf(principal), 'write', id);
      await history.archive(id);
    },

    async archiveJobs(principal, age) {
      rightsOf(principal).demand('write', theQueue);
      return history.archiveOlder(age);
    },

    async waitForJob(principal, id, wait) {
      await demandJob(rightsOf(principal), 'write', id);
      return waitForNews({ queue, clock }, id, wait);
    },

    async runToEnd(principal, ops, signal) {
      const id = await submit(principal, ops);
      return waitForNews({ queue, clock }, id, { isNews: () => false, signal });
    },

    queueState(principal) {
      rightsOf(principal).demand('look', theQueue);
      return queue.state;
    },

    async setQueue(principal, settings) {
      rightsOf(principal).demand('write', theQueue);
      await queue.set(settings);
    },

    filters(principal) {
      const rights = rightsOf(principal);
      rights.demandSome('look', 'job filters');
      return rights.seen('look').filters;
    },

    async putFilter(principal, uuid, filter) {
      const rights = rightsOf(principal);
      const isNew = !rights.whole.filters.some((each) => each.uuid === uuid);
      const mayMake = isNew && rights.may('write', { kind: 'filter', id: null });
      if (!mayMake) rights.demand('write', { kind: 'filter', id: uuid });
      const made = { ...filter, uuid: uuid ?? random.uuid() };
      await queue.putFilter(made);
      return made.uuid;
    },

    async removeFilter(principal, uuid) {
      rightsOf(principal).demand('write', { kind: 'filter', id: uuid });
      await queue.removeFilter(uuid);
    },

    duties(principal) {
      const rights = rightsOf(principal);
      rights.demandSome('look', 'duties');
      const { duties, nodes } = rights.seen('look');
      return duties.map((duty) => ({ ...duty, node_name: nodes.get(duty.node)?.name ?? null }));
    },

    async giveUpDuty(principal, uuid, why) {
      rightsOf(principal).demand('write', { kind: 'duty', id: uuid });
      await queue.giveUp(uuid, `${principal.name ?? 'somebody'}: ${why || 'no reason is given'}`);
    },

    events,

    follow(principal, how) {
      return follow(events(principal), { clock, events: store.events }, how);
    },
  };
}

function noJob(id: number): MerapiError {
  return new MerapiError('not_found', `There is no job ${id}`);
}
