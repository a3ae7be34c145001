import { errorText, MerapiError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { OpInput } from '../model/job.ts';
import type { Node } from '../model/node.ts';
import type { ClusterView } from '../model/view.ts';
import type { HookResult } from '../rpc/calls/hooks.ts';
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
  /** The nodes that have scripts for the phase before. */
  pre: Node[];
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
  if (!view.nodes.list().some(({ uuid }) => runtime.of(uuid)?.node.hooks?.length)) return null;
  const hooks = describe(view);
  if (!hooks) return null;
  const common = {
    HOOKS_VERSION: VERSION,
    HOOKS_PATH: hooks.name,
    OP_CODE: op.OP_ID,
    OBJECT_TYPE: hooks.object,
    CLUSTER: view.cluster.name,
    MASTER: view.nodes.get(view.cluster.master_node)?.name,
  };
  const pre = nodesWith(hooks.name, 'pre', hooks.pre, { view, runtime });
  const post = nodesWith(hooks.name, 'post', hooks.post, { view, runtime });
  const unsure = hooks.post.filter((uuid) => runtime.of(uuid) === null);
  return { name: hooks.name, common: texts(common), own: ownTexts(hooks), pre, post, unsure };
}

/** Runs the scripts of the phase before. @throws MerapiError hooks_abort when one fails */
export async function runPre(context: RunContext, plan: HookPlan): Promise<void> {
  const { name, common, own, pre } = plan;
  const failed = await runPhase(context, name, 'pre', pre, { ...common, ...own });
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

/** Answers what failed. That a node does not answer is no refusal. */
async function runPhase(
  context: RunContext,
  hook: string,
  phase: Phase,
  nodes: readonly Node[],
  env: Env,
): Promise<string[]> {
  const told = prefixed('GANETI_', { ...env, HOOKS_PHASE: phase });
  const failed = await Promise.all(
    nodes.map(async (node) => {
      try {
        const params = { hook, phase, env: told };
        const { results } = await context.call(`hooks/${phase}/${node.name}`, node, 'hooks.run', params);
        return results.flatMap((result) => report(context, `${hook}-${phase}`, node, result));
      } catch (error) {
        if (!(error instanceof MerapiError)) throw error;
        context.log(`The hooks ${hook}-${phase} on ${node.name} could not be run: ${errorText(error)}`);
        return [];
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

function nodesWith(hook: string, phase: Phase, uuids: readonly string[], { view, runtime }: Source): Node[] {
  return [...new Set(uuids)].flatMap((uuid) => {
    const isThere = runtime.of(uuid)?.node.hooks?.includes(`${hook}-${phase}`);
    return (isThere && view.nodes.get(uuid)) || [];
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
