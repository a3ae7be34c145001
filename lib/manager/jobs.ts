// Jobs, the job queue, job filters, duties and events. Each function checks the rights of the principal, and then leaves the work to
// the queue (lib/jobs), the history or the store.
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

/** The job queue as the policy knows it. */
const theQueue = { kind: 'queue', id: null } as const;

/** The functions for jobs, the queue with its filters, duties and events. */
export function jobFunctions({
  store,
  queue,
  history,
  clock,
  random,
  rightsOf,
}: ManagerContext): JobFunctions {
  /** Checks the right to do this to one job; reads the job only if the policy distinguishes objects. @throws MerapiError forbidden, not_found */
  const demandJob = async (rights: Rights, action: Action, id: number) => {
    rights.demandSome(action, `job ${id}`);
    if (rights.scope(action) === 'all') return;
    const job = await queue.get(id);
    if (!job) throw noJob(id);
    rights.demandJob(action, job);
  };
  /**
   * Checks that the principal may look at the jobs that a new one depends on, since the new job reveals how they end.
   * @throws MerapiError forbidden, not_found
   */
  const demandDependencies = async (rights: Rights, ops: readonly OpInput[]) => {
    if (rights.scope('look') === 'all') return;
    for (const [id] of ops.flatMap((op) => dependsOf(parseOp(opcodeOf(op.OP_ID), op)))) {
      if (id < 0)
        throw new MerapiError(
          'forbidden',
          `Give the id of the job to depend on, not ${id}: a relative number may refer to a job of another user`,
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
      const mayCreate = isNew && rights.may('write', { kind: 'filter', id: null });
      if (!mayCreate) rights.demand('write', { kind: 'filter', id: uuid });
      const filterUuid = uuid ?? random.uuid();
      await queue.putFilter({ ...filter, uuid: filterUuid });
      return filterUuid;
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
      await queue.giveUp(uuid, `${principal.name ?? 'an anonymous user'}: ${why || 'no reason given'}`);
    },

    events,

    follow(principal, options) {
      return follow(events(principal), { clock, events: store.events }, options);
    },
  };
}

/** The same error whether the job does not exist or the principal may not see it. */
function noJob(id: number): MerapiError {
  return new MerapiError('not_found', `There is no job ${id}`);
}
