// Chooses and calls the allocator of a request: an executable in the cluster's search path, or the built-in one.

import { MerapiError } from '../base/errors.ts';
import type { ClusterView } from '../model/view.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import { type BuiltInOutput, builtInAllocator } from './iallocator-built-in.ts';
import {
  findIallocator,
  iallocatorArguments,
  parseIallocatorOutput,
  runIallocator,
} from './iallocator-external.ts';
import { iallocatorInput, type Question } from './iallocator-input.ts';

/** The name of the built-in allocator; an executable of this name takes precedence. */
const BUILT_IN_ALLOCATOR = 'hail';

/** In a request this stands for the cluster's default allocator. */
const DEFAULT_ALLOCATOR = '.';

/** The data that an allocator gets: the cluster, and what its nodes have reported. */
export interface Known {
  readonly view: ClusterView;
  readonly runtime: RuntimeView;
}

/** The answer of an allocator. */
export interface Answer extends BuiltInOutput {
  /** The allocator as the subject of messages, e.g. 'The built-in allocator'. */
  by: string;
  /** The executable; null for the built-in allocator. */
  path: string | null;
}

/**
 * The name of the allocator for a request; `requested` is that in the request, if any. `alternative` is a parameter that could be given
 * instead, for the message.
 * @throws MerapiError wrong_input when the request has none and the cluster has no default
 */
export function allocatorOf(view: ClusterView, requested: string | null, alternative: string | null): string {
  const { default_iallocator } = view.cluster;
  const name = requested === null || requested === DEFAULT_ALLOCATOR ? default_iallocator : requested;
  if (name) return name;
  const choice = alternative === null ? 'iallocator' : `${alternative} or iallocator`;
  throw new MerapiError('wrong_input', `Give ${choice}: the cluster has no default allocator`);
}

/**
 * Asks an allocator: the first executable with that name in the cluster's search path, else the built-in one if it has that name.
 * @throws MerapiError execution when there is none, or it fails or answers in a wrong format; timeout
 */
export async function askAllocator(
  { view, runtime }: Known,
  name: string,
  question: Question,
): Promise<Answer> {
  const { default_iallocator, default_iallocator_params } = view.cluster;
  const path = await pathOf(view, name, 'execution');
  if (path !== null) {
    const soft = question.type === 'node-evacuate' && question.ignore_soft_errors;
    const params = {
      ...(name === default_iallocator ? default_iallocator_params : {}),
      ...(soft ? { 'ignore-soft-errors': null } : {}),
    };
    const text = await runIallocator(
      path,
      iallocatorInput(view, runtime, question),
      iallocatorArguments(params),
    );
    const by = `The allocator ${name} (${path})`;
    return { by, path, temporary: false, ...parseIallocatorOutput(path, text) };
  }
  return { by: 'The built-in allocator', path, ...(await builtInAllocator(view, runtime, question)) };
}

/** @throws MerapiError wrong_input when there is no allocator of this name */
export async function checkAllocator(view: ClusterView, name: string): Promise<void> {
  await pathOf(view, name, 'wrong_input');
}

/** The executable of an allocator; null for the built-in one. @throws MerapiError with this code when there is none */
async function pathOf(
  view: ClusterView,
  name: string,
  code: 'execution' | 'wrong_input',
): Promise<string | null> {
  const folders = view.cluster.iallocator_search_path;
  const path = await findIallocator(folders, name);
  if (path !== null || name === BUILT_IN_ALLOCATOR) return path;
  const places = folders.length > 0 ? `, and no executable of that name is in ${folders.join(', ')}` : '';
  throw new MerapiError(
    code,
    `There is no allocator '${name}'; '${BUILT_IN_ALLOCATOR}' is built in${places}`,
  );
}
