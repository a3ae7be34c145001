import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Bell } from '../base/bell.ts';
import { MerapiError } from '../base/errors.ts';
import { shared } from '../base/shared.ts';
import type { History } from '../jobs/history.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { QueueState } from '../jobs/settings.ts';
import type { Why } from '../jobs/why.ts';
import type { Duty } from '../model/duty.ts';
import { isFinal, type Job } from '../model/job.ts';
import type { TagKind } from '../model/tag.ts';
import type { ClusterView } from '../model/view.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import type { QueryAnswer, QueryFieldsAnswer, QueryRows } from '../query/define.ts';
import { checkFieldNames, describeFields, resourceName } from '../query/resources.ts';
import type { NodeCaller } from '../rpc/client.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { EventReader, Store } from '../store/define.ts';
import { listExports } from '../units/steps/exports.ts';
import { diagnoseOs, osNamesOf } from '../units/steps/os.ts';
import { clusterInfo } from '../views/cluster.ts';
import type { NodeSource } from '../views/define.ts';
import { jobValues, showLog } from '../views/job.ts';
import { listing } from '../views/listing.ts';
import { openQuery, runQuery } from '../views/registry.ts';
import { tagsOf } from '../views/tags.ts';
import { authorise } from './authorise.ts';
import type { JobChange, Manager } from './define.ts';

export interface ManagerParts {
  store: Store;
  queue: JobQueue;
  history: History;
  runtime: RuntimeView;
  nodes: NodeCaller;
}

/** The manager of one cluster. */
export function createManager({ store, queue, history, runtime, nodes }: ManagerParts): Manager {
  // Everybody may ask for these, and each asking goes to all nodes.
  const diagnose = shared((view: ClusterView) => diagnoseOs(view, nodes));
  const exportsOf = shared((view: ClusterView) => listExports(view, nodes));
  const nodeSource = (view: ClusterView): NodeSource => ({
    operatingSystems: () => diagnose(view),
    exports: () => exportsOf(view),
  });
  return {
    get view(): ClusterView {
      return store.view;
    },

    async submit(principal, ops, key = null): Promise<number> {
      for (const op of ops) authorise(principal, opcodeOf(op.OP_ID).access ?? 'write', `opcode/${op.OP_ID}`);
      return queue.submit(ops, key && { ...key, principal: principal.name ?? '' }, principal.name);
    },

    query(principal, resource, fields, filter): Promise<QueryAnswer> {
      authorise(principal, 'look', `query/${resource}`);
      const ctx = { view: store.view, runtime: runtime.frozen() };
      return runQuery(resource, fields, filter, ctx, queue, nodeSource(ctx.view));
    },

    queryRows(principal, resource, fields, filter): Promise<QueryRows> {
      authorise(principal, 'look', `query/${resource}`);
      const ctx = { view: store.view, runtime: runtime.frozen() };
      return openQuery(resource, fields, filter, ctx, queue, nodeSource(ctx.view));
    },

    listing(principal, resource, fields): AsyncIterable<string> {
      authorise(principal, 'look', `query/${resource}`);
      const ctx = { view: store.view, runtime: runtime.frozen() };
      return listing(resource, fields, ctx, queue, nodeSource(ctx.view));
    },

    queryFields(principal, resource, names): QueryFieldsAnswer {
      authorise(principal, 'look', `query/${resource}`);
      return describeFields(resourceName(resource), names);
    },

    jobIds(principal): Promise<number[]> {
      authorise(principal, 'look', 'job');
      return store.jobs.ids();
    },

    jobs(principal): AsyncIterable<Job> {
      authorise(principal, 'look', 'job');
      return queue.all();
    },

    job(principal, id): Promise<Job | null> {
      authorise(principal, 'look', `job/${id}`);
      return queue.get(id);
    },

    cancelJob(principal, id): Promise<[boolean, string]> {
      authorise(principal, 'write', `job/${id}`);
      return queue.cancel(id);
    },

    whyJob(principal, id): Promise<Why | null> {
      authorise(principal, 'look', `job/${id}`);
      return queue.why(id);
    },

    duties(principal): readonly Duty[] {
      authorise(principal, 'look', 'duty');
      return store.view.duties;
    },

    async giveUpDuty(principal, uuid, why): Promise<void> {
      authorise(principal, 'write', `duty/${uuid}`);
      await queue.giveUp(uuid, `${principal.name ?? 'somebody'}: ${why || 'no reason is given'}`);
    },

    events(principal): EventReader {
      authorise(principal, 'look', 'event');
      return store.events;
    },

    queueState(principal): QueueState {
      authorise(principal, 'look', 'queue');
      return queue.state;
    },

    async setQueue(principal, settings): Promise<void> {
      authorise(principal, 'write', 'queue');
      await queue.set(settings);
    },

    async archiveJob(principal, id): Promise<void> {
      authorise(principal, 'write', `job/${id}`);
      await history.archive(id);
    },

    async archiveJobs(principal, age): Promise<number> {
      authorise(principal, 'write', 'queue');
      return history.archiveOlder(age);
    },

    async waitForJob(
      principal,
      id,
      fields,
      previousInfo,
      previousSerial,
      timeout,
      signal,
    ): Promise<JobChange | null> {
      authorise(principal, 'write', `job/${id}`);
      checkFieldNames(fields);
      const known = { info: previousInfo, serial: previousSerial ?? 0 };
      return waitForChange(queue, id, fields, known, timeout, signal);
    },

    async putFilter(principal, uuid, filter): Promise<string> {
      authorise(principal, 'write', 'filter');
      const made = { ...filter, uuid: uuid ?? randomUUID() };
      await queue.putFilter(made);
      return made.uuid;
    },

    async removeFilter(principal, uuid): Promise<void> {
      authorise(principal, 'write', 'filter');
      await queue.removeFilter(uuid);
    },

    clusterInfo(principal): Readonly<Record<string, unknown>> {
      authorise(principal, 'look', 'cluster');
      return clusterInfo(store.view);
    },

    tags(principal, kind: TagKind, name): string[] {
      authorise(principal, 'look', `${kind}/${name ?? ''}`);
      return tagsOf(store.view, kind, name);
    },

    async osNames(principal): Promise<string[]> {
      authorise(principal, 'look', 'os');
      const { hidden_os, blacklisted_os } = store.view.cluster;
      const shown = (await diagnose(store.view)).filter(
        ({ name, valid }) => valid && !hidden_os.includes(name) && !blacklisted_os.includes(name),
      );
      return shown.flatMap(osNamesOf);
    },
  };
}

/** Looks at the job now and after each of its changes, until something differs from what is known; null when the time is over or the signal fires. */
async function waitForChange(
  queue: JobQueue,
  id: number,
  fields: readonly string[],
  known: { info: readonly unknown[] | null; serial: number },
  timeout: number,
  signal: AbortSignal,
): Promise<JobChange | null> {
  const bell = new Bell();
  const stop = queue.subscribe(id, bell.ring);
  signal.addEventListener('abort', bell.ring);
  const end = performance.now() + timeout;
  try {
    while (!signal.aborted && performance.now() < end) {
      bell.hush();
      const job = await queue.get(id);
      if (!job) throw new MerapiError('not_found', `There is no job ${id}`);
      const change = changeOf(job, fields, known.serial);
      const differs = !isDeepStrictEqual(change.job_info, known.info) || change.log_entries.length > 0;
      // Of a job that has ended nothing more will come: waiting for it would never end well.
      if (differs || isFinal(job.status)) return change;
      if (!signal.aborted) await bell.wait(Math.max(0, end - performance.now()));
    }
    return null;
  } finally {
    stop();
    signal.removeEventListener('abort', bell.ring);
  }
}

function changeOf(job: Job, fields: readonly string[], serial: number): JobChange {
  const values = new Map<string, unknown>();
  const infoOf = (field: string) => {
    if (!values.has(field)) values.set(field, jobValues.get(field)?.(job)[1] ?? null);
    return values.get(field);
  };
  return {
    job_info: fields.map((field) => infoOf(field)),
    log_entries: job.ops.flatMap(showLog).filter(([entry]) => entry > serial),
  };
}
