// Runs an administrator's hooks (docs/hooks.md) before and after an opcode. The interface of the scripts (environment variables, their
// forms, the phases) is Ganeti's, version 2, and must stay as it is.
//
// What runs before the opcode is planned in the step `check`, so a replay runs the same scripts with the same environment. A failure
// before the opcode aborts it; failures after it are only logged, since its changes are committed by then.
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

/** The part of an opcode's hooks that is fixed before it runs; it is an outcome in the journal, so it must be JSON. */
export interface HookPlan {
  name: string;
  /** Environment variables of both phases about the operation, without the phase. */
  common: Record<string, string>;
  /** Environment variables about the object as it is before the opcode. */
  own: Record<string, string>;
  /** The nodes that have reported scripts for the phase `pre`. */
  pre: Node[];
  /** The master node if it has not reported yet whether it has scripts: it is called, and must answer. */
  asked: Node[];
  /** The nodes that have reported scripts for the phase `post`. */
  post: Node[];
  /** The nodes (uuids) of the phase `post` that did not answer or are new, so that their scripts are not known yet. */
  unsure: string[];
}

/** The hooks of an opcode by a state of the cluster; null when it has none. */
export type Describe = (view: ClusterView) => Hooks | null;

interface Source {
  view: ClusterView;
  runtime: RuntimeView;
}

/** Plans the hooks of an opcode; null when no node has any script, which spares the job all further work for hooks. */
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
 * Runs the scripts of the phase `pre`. A node that has scripts must run them: one that does not answer, or whose scripts have gone,
 * aborts the opcode. @throws MerapiError hooks_abort when a script fails or cannot be run
 */
export async function runPre(context: RunContext, plan: HookPlan): Promise<void> {
  const { name, common, own, pre, asked } = plan;
  const env = { ...common, ...own };
  const failed = [
    ...(await runPhase(context, name, 'pre', pre, env, true)),
    ...(await runPhase(context, name, 'pre', asked, env)),
  ];
  if (failed.length > 0)
    throw new MerapiError('hooks_abort', `The hook ${name} aborts the opcode: ${failed.join('; ')}`);
}

/**
 * Runs the scripts of the phase `post`, after it has committed the opcode's last changes; failures are only logged. Returns how the
 * opcode ends: `done` without the changes that are committed already.
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
      // Scripts get an object that is gone as it was before.
      own: after ? ownTexts(after) : own,
    };
  });
  await runPhase(context, name, 'post', now.nodes, { ...common, ...own, ...prefixed('POST_', now.own) });
  return done;
}

/** Runs the scripts of a phase on nodes; returns what failed. With `mustExist`, a node without a script counts as a failure. */
async function runPhase(
  context: RunContext,
  hook: string,
  phase: Phase,
  nodes: readonly Node[],
  env: Env,
  mustExist = false,
): Promise<string[]> {
  const environment = prefixed('GANETI_', { ...env, HOOKS_PHASE: phase });
  const failed = await Promise.all(
    nodes.map(async (node) => {
      try {
        const params = { hook, phase, env: environment };
        const { results } = await context.call(`hooks/${phase}/${node.name}`, node, 'hooks.run', params);
        if (mustExist && results.length === 0)
          throw new MerapiError('hooks_abort', 'the node had scripts for it, and now has none; try again');
        return results.flatMap((result) => report(context, `${hook}-${phase}`, node, result));
      } catch (error) {
        if (!(error instanceof MerapiError)) throw error;
        const text = `hooks ${hook}-${phase} on ${node.name} could not be run: ${errorText(error)}`;
        context.log(`The ${text}`);
        return [`the ${text}`];
      }
    }),
  );
  return failed.flat();
}

/** Writes how a script ended to the job's log; returns the text when the script failed. */
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
 * The nodes that have scripts for a phase. Before an opcode, the last known scripts of a node count even while it does not answer,
 * since they may abort the opcode; after it, only nodes that answer count. Offline nodes are left out.
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
