// Runs one opcode through its unit: check → hooks before → run → hooks after. The check is a step without outside effects; its facts are
// in the journal, so the run sees the same facts after a replay. Also here: whether this release may go on with an opcode or a job
// that another release stored.
import { errorText, fromFailure, MerapiError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { OpInput } from '../model/job.ts';
import type { ClusterView } from '../model/view.ts';
import { parseOp } from '../opcodes/define.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import { JOB_FORMAT, JOURNAL_FORMAT } from '../store/formats.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { checkExpectedUuids } from '../units/checks/expected-uuids.ts';
import type { CheckContext, Done, RunContext } from '../units/define.ts';
import { unitOf } from '../units/registry.ts';
import { stepContext } from './context.ts';
import { planHooks, runPost, runPre } from './hooks.ts';
import type { Journal } from './journal.ts';
import type { RunnerParts } from './parts.ts';
import type { StepProgress } from './progress.ts';

/** What perform() needs to know of the opcode's job. */
interface Frame {
  /** A name of the opcode that is unique for all jobs of all times. */
  readonly scope: string;
  readonly log: RunContext['log'];
  readonly resolve: CheckContext['resolve'];
  readonly progress: StepProgress;
  /** For the first opcode of the job: the parameters of all its opcodes; empty for the others. */
  readonly job: readonly (() => OpInput)[];
}

/** The version of the unit that runs an opcode. */
export function versionOf(params: OpInput): number {
  return unitOf(opcodeOf(params.OP_ID).id).version ?? 1;
}

/** Runs an opcode; returns how it ends, which the caller commits. @throws MerapiError its failure; Abandoned */
export async function perform(
  { store, runtime, nodes, clock, random, resolver, seal }: RunnerParts,
  journal: Journal,
  params: OpInput,
  { scope, log, resolve, progress, job }: Frame,
): Promise<Done<Json>> {
  const unit = unitOf(opcodeOf(params.OP_ID).id);
  const hooksOf = (facts: unknown) => (view: ClusterView) =>
    unit.hooks?.(view, facts as never, params as never) ?? null;
  const world = { clock, random, resolver };
  const context: CheckContext = { view: store.pending, runtime, nodes, ...world, seal, log, resolve };
  const { facts, hooks } = await journal.step(
    'check',
    async () => {
      if (!unit.checksUuids) checkExpectedUuids(params, context.view);
      await foresee(context, job);
      const facts = (await unit.check(context, params as never)) ?? null;
      return { facts, hooks: planHooks(params, hooksOf(facts), context) };
    },
    { pure: true },
  );
  const steps = stepContext({ store, runtime, nodes, clock, seal, progress }, journal, scope, log);
  if (hooks) await runPre(steps, hooks);
  if (params.dry_run) {
    log('This was a dry run: nothing has been changed');
    return { result: unit.dryRun?.(facts) ?? null };
  }
  const done = (await unit.run(steps, facts, params as never)) as Done<Json>;
  if (journal.undoing) throw fromFailure(journal.undoing); // a unit that tolerates failures must not tolerate this one
  const end = hooks ? await runPost(steps, hooks, done, hooksOf(facts)) : done;
  const unvisited = journal.unvisited();
  if (unvisited.length > 0)
    throw new MerapiError(
      'internal_error',
      `The journal has steps that were not reached on replay: ${unvisited.join(', ')}`,
    );
  return end;
}

/**
 * Fails when a later opcode of the job is certain to fail whatever those before it do, so that they do not run in vain.
 * @throws MerapiError with the code of the failure that is foreseen
 */
async function foresee(context: CheckContext, job: readonly (() => OpInput)[]): Promise<void> {
  const before: OpInput[] = [];
  for (const paramsOf of job.length > 1 ? job : []) {
    const params = paramsOf();
    const unit = unitOf(opcodeOf(params.OP_ID).id);
    try {
      if (before.length > 0) await unit.foresee?.(context, params as never, before);
    } catch (error) {
      if (!(error instanceof MerapiError)) throw error;
      const text = `Nothing was done, since ${params.OP_ID} later in this job would fail: ${error.message}`;
      throw new MerapiError(error.code, text, { cause: error });
    }
    before.push(params);
  }
}

/**
 * Checks that this release can go on with an opcode (by its index in the job) that had begun.
 * @throws MerapiError execution when it began with another version of the unit, or its journal has another format
 */
export function checkVersion(
  index: number,
  params: OpInput,
  { units, journals, steps }: Pick<StoredJob, 'units' | 'journals' | 'steps'>,
): void {
  const journal = journals.get(index) ?? JOURNAL_FORMAT;
  const began = units.get(index) ?? 1;
  if (journal === JOURNAL_FORMAT && began === versionOf(params)) return;
  const which =
    journal === JOURNAL_FORMAT
      ? `version ${began} of ${params.OP_ID}, here ${versionOf(params)}`
      : `its journal has the format ${journal}, here ${JOURNAL_FORMAT}`;
  const last = Number.MAX_SAFE_INTEGER; // steps without an end come last
  const ours = steps.filter(({ op }) => op === index).sort((a, b) => (a.seq ?? last) - (b.seq ?? last));
  const names = ours.map(({ name }) => name);
  throw new MerapiError(
    'execution',
    `Another release of Merapi began this opcode (${which}), so it can be neither resumed nor undone: check what it did, and submit it again if it is still wanted. Steps that began: ${names.join(', ') || 'none'}`,
  );
}

/**
 * The parameters of an opcode that has not begun, in this release's format: those that were added since get their defaults.
 * @throws MerapiError execution when another release stored them and they are not valid here
 */
export function currentParams(params: OpInput, { format }: Pick<StoredJob, 'format'>): OpInput {
  if (format === JOB_FORMAT) return params;
  try {
    if (format < JOB_FORMAT) return parseOp(opcodeOf(params.OP_ID), params);
  } catch (cause) {
    throw olderJob(errorText(cause), cause);
  }
  throw olderJob(`its format is ${format}, here ${JOB_FORMAT}`);
}

function olderJob(what: string, cause?: unknown): MerapiError {
  return new MerapiError(
    'execution',
    `Another release of Merapi accepted this job, and this release cannot run it (${what}); submit it again`,
    { cause },
  );
}
