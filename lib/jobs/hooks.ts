import { errorText, MerapiError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { OpInput } from '../model/job.ts';
import type { Node } from '../model/node.ts';
import type { ClusterView } from '../model/view.ts';
import { ANY_HOOK, type HookResult } from '../rpc/calls/hooks.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Done, Hooks, RunContext } from '../units/define.ts';

type Phase = 'pre' | 'post';
type Env = Readonly<Record<string, string>>;

/** The version of Ganeti's hooks interface. */
const VERSION = '2';

/** What of an opcode's hooks is settled before it runs. */
export interface HookPlan {
  name: string;
  /** What the scripts of both phases are told of the operation, without the phase. */
  common: Record<string, string>;
  /** What they are told of its object, as it is before. */
  own: Record<string, string>;
  /** The nodes that have scripts for the phase before, as far as they have told. */
  pre: Node[];
  /** The master node, if it has told nothing yet and so may have some: it is asked, and must answer. */
  asked: Node[];
  /** Those that have scripts for the phase after. */
  post: Node[];
  /** The nodes, by uuid, that are not known to have any for it, because they are new or did not answer. */
  unsure: string[];
}

/** Says what the hooks of an opcode are, from a state of the cluster; null when it has none. */
export type Describe = (view: ClusterView) => Hooks | null;

interface Source {
  view: ClusterView;
  runtime: RuntimeView;
}

/** Plans the hooks of an opcode. Null when no node has any hook: then the job is spared everything about them. */
export function planHooks(op: OpInput, describe: Describe, { view, runtime }: Source): HookPlan | null {
  const master = view.nodes.get(view.cluster.master_node);
  const asked = master && !master.offline && runtime.hooks(master.uuid) === null ? [master] : [];
  if (asked.length === 0 && !view.nodes.list().some(({ uuid }) => runtime.hooks(uuid)?.length)) return null;
  const hooks = describe(view);
  if (!hooks) return null;
  const common = {
    HOOKS_VERSION: VERSION,
    HOOKS_PATH: hooks.name,
    OP_CODE: op.OP_ID,
    OBJECT_TYPE: hooks.object,
    CLUSTER: view.cluster.name,
    MASTER: master?.name,
  };
  const pre = nodesWith(hooks.name, 'pre', hooks.pre, { view, runtime });
  const post = nodesWith(hooks.name, 'post', hooks.post, { view, runtime });
  const unsure = hooks.post.filter((uuid) => runtime.of(uuid) === null);
  const own = ownTexts(hooks);
  return {
    name: hooks.name,
    common: texts(common),
    own,
    pre,
    asked: hooks.pre.length > 0 ? asked : [],
    post,
    unsure,
  };
}

/**
 * Runs the scripts of the phase before. A node that has scripts must run them: that it does not answer, or has none any more,
 * counts as a refusal. @throws MerapiError hooks_abort when one fails or cannot be run
 */
export async function runPre(context: RunContext, plan: HookPlan): Promise<void> {
  const { name, common, own, pre, asked } = plan;
  const env = { ...common, ...own };
  const failed = [
    ...(await runPhase(context, name, 'pre', pre, env, true)),
    ...(await runPhase(context, name, 'pre', asked, env)),
  ];
  if (failed.length > 0)
    throw new MerapiError('hooks_abort', `The hook ${name} refuses it: ${failed.join('; ')}`);
}

/**
 * Runs the scripts of the phase after: the changes of the opcode are done before, and its failures are only logged. Answers how
 * the opcode ends then.
 */
export async function runPost<R>(
  context: RunContext,
  { name, common, own, post, unsure }: HookPlan,
  { changes, ...done }: Done<R>,
  describe: Describe,
): Promise<Done<R>> {
  if (changes) await context.commit('hooks/changes', changes);
  const now = await context.step('hooks/post', ({ view, runtime }) => {
    const after = describe(view);
    return {
      nodes: [...post, ...nodesWith(name, 'post', unsure, { view, runtime })],
      // An object that is gone is told as it was.
      own: after ? ownTexts(after) : own,
    };
  });
  await runPhase(context, name, 'post', now.nodes, { ...common, ...own, ...prefixed('POST_', now.own) });
  return done;
}

/** Answers what failed; `isSure` says that each node must have a script. */
async function runPhase(
  context: RunContext,
  hook: string,
  phase: Phase,
  nodes: readonly Node[],
  env: Env,
  isSure = false,
): Promise<string[]> {
  const told = prefixed('GANETI_', { ...env, HOOKS_PHASE: phase });
  const failed = await Promise.all(
    nodes.map(async (node) => {
      try {
        const params = { hook, phase, env: told };
        const { results } = await context.call(`hooks/${phase}/${node.name}`, node, 'hooks.run', params);
        if (isSure && results.length === 0)
          throw new MerapiError('hooks_abort', 'it had scripts for it and now has none; try again');
        return results.flatMap((result) => report(context, `${hook}-${phase}`, node, result));
      } catch (error) {
        if (!(error instanceof MerapiError)) throw error;
        const text = `the hooks ${hook}-${phase} on ${node.name} could not be run: ${errorText(error)}`;
        context.log(`T${text.slice(1)}`);
        return [text];
      }
    }),
  );
  return failed.flat();
}

/** Logs how a script ended; answers the words when it failed. */
function report(
  context: RunContext,
  hook: string,
  node: Node,
  { script, succeeded, output }: HookResult,
): string[] {
  const text = `${script} on ${node.name} ${succeeded ? 'succeeded' : 'failed'}${output ? `: ${output}` : ''}`;
  context.log(`Hook ${hook}: ${text}`);
  return succeeded ? [] : [text];
}

/**
 * Those of the nodes that have scripts; those with a veto also when they do not answer now. What is marked offline is not asked.
 */
function nodesWith(hook: string, phase: Phase, uuids: readonly string[], { view, runtime }: Source): Node[] {
  return [...new Set(uuids)].flatMap((uuid) => {
    const node = view.nodes.get(uuid);
    if (!node || node.offline) return [];
    const known = (phase === 'pre' ? runtime.hooks(uuid) : runtime.of(uuid)?.node.hooks) ?? [];
    return known.includes(`${hook}-${phase}`) || known.includes(ANY_HOOK) ? [node] : [];
  });
}

function ownTexts({ env, target }: Hooks): Record<string, string> {
  return texts({ ...env, OP_TARGET: target });
}

/** Values in the form that Ganeti's scripts know. */
function texts(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, text(value as Json)]));
}

function prefixed(prefix: string, env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [`${prefix}${name}`, value]));
}

function text(value: Json): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return value.map(text).join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
