// Builds the RunContext that a unit runs with (lib/units/define.ts). Every action of a unit goes through the journal of its opcode, so
// that a replay after a crash does not repeat it, and every call on a node carries an id that is unique for all times, so that the node
// worker can recognise a repeated call.
import type { Clock } from '../base/clock.ts';
import type { Seal } from '../base/seal.ts';
import type { Node } from '../model/node.ts';
import type { Tell } from '../model/progress.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import { type CallName, calls, type ParamsOf, type ResultOf } from '../rpc/registry.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { JobStore } from '../store/define.ts';
import type { OwedCall, RunContext, StepTools, UndoCall } from '../units/define.ts';
import { canBeOwed, storedCall } from './duties/rules.ts';
import type { Journal } from './journal.ts';
import type { StepProgress } from './progress.ts';

interface Parts {
  store: Pick<JobStore, 'pending'>;
  runtime: RuntimeView;
  nodes: NodeCaller;
  clock: Clock;
  seal: Seal;
  progress: Pick<StepProgress, 'during'>;
}

/**
 * The context of one opcode.
 * @param scope prefix of the ids of its calls: number and time of receipt of the job, index of the opcode
 */
export function stepContext(
  parts: Parts,
  journal: Journal,
  scope: string,
  log: RunContext['log'],
): RunContext {
  const tools = (tell: Tell = () => undefined): StepTools => ({
    view: parts.store.pending,
    runtime: parts.runtime,
    nodes: parts.nodes,
    cancel: journal.cancel,
    tell,
  });
  /** The journal's options for a call: the call itself, and the calls that reverse it, which become a duty if they fail. */
  const optionsOf = (name: string, node: Node, { call, params }: UndoCall, undo?: readonly UndoCall[]) => ({
    makes: { node: node.uuid, call: storedCall(call, params as never) },
    ...(undo && {
      owes: undo.every((each) => canBeOwed(each.call))
        ? { node, calls: undo.map((each) => storedCall(each.call, each.params as never)) }
        : null,
      // `ends` makes the worker stop every call of this opcode that is still under way before it reverses anything.
      undo: async () => {
        for (const [index, { call, params }] of undo.entries()) {
          const id = `${scope}/undo/${name}/${index}`;
          await parts.nodes.call(node, call, params as never, { id, ends: `${scope}/` });
        }
      },
    }),
  });
  return {
    clock: parts.clock,
    seal: parts.seal,
    log,
    step: (name, action, undo) =>
      journal.step(
        name,
        () => parts.progress.during(name, (tell) => action(tools(tell))),
        undo && { undo: () => undo(tools()) },
      ),
    call: <N extends CallName>(...[name, node, call, params, undo]: Parameters<RunContext['call']>) =>
      journal.step(
        name,
        () =>
          parts.progress.during(name, (tell) =>
            parts.nodes.call(node, call as N, params as ParamsOf<N>, {
              ...{ id: `${scope}/${name}`, signal: journal.ends, tell },
            }),
          ),
        {
          ...optionsOf(name, node, { call, params } as UndoCall, undo),
          ...(undo ? {} : { lasts: calls[call].mutates }),
        },
      ) as Promise<ResultOf<N>>,
    attempt: async <N extends OwedCall>(
      ...[name, node, call, params, { undo, refusable = false } = {}]: Parameters<RunContext['attempt']>
    ) => {
      const reason = await journal.attempt(
        name,
        () => parts.nodes.call(node, call as N, params as ParamsOf<N>, { id: `${scope}/${name}` }),
        { node, calls: [storedCall(call as N, params as ParamsOf<N>)] },
        { ...optionsOf(name, node, { call, params } as UndoCall, undo), refusable },
      );
      if (reason !== null)
        log(
          `Not done yet: ${name}: ${reason}; it is now a duty, which is tried again when ${node.name} answers`,
        );
    },
    noReturn: () => journal.noReturn(),
    commit: (name, build, undo) => journal.commit(name, build, undo && (() => journal.write(undo))),
  };
}
