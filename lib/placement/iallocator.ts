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

/** The name of the allocator that is built in, where no executable has it. */
const BUILT_IN_ALLOCATOR = 'hail';

/** In a request this stands for the cluster's default allocator. */
const DEFAULT_ALLOCATOR = '.';

/** What an allocator is asked about: the cluster, and what its nodes have told. */
export interface Known {
  readonly view: ClusterView;
  readonly runtime: RuntimeView;
}

/** What an allocator answers, and who it is in words. */
export interface Answer extends BuiltInOutput {
  by: string;
  /** The executable; null for the built-in allocator. */
  path: string | null;
}

/** The allocator that a request means, by name; `instead` is what could be given in its place. @throws MerapiError wrong_input when it means none */
export function allocatorOf(view: ClusterView, wished: string | null, instead: string | null): string {
  const { default_iallocator } = view.cluster;
  const name = wished === null || wished === DEFAULT_ALLOCATOR ? default_iallocator : wished;
  if (name) return name;
  const choice = instead === null ? 'iallocator' : `${instead} or iallocator`;
  throw new MerapiError('wrong_input', `Give ${choice}: the cluster has no default allocator`);
}

/**
 * Asks an allocator: the first executable of that name in the cluster's folders for them, else the one that is built in.
 * @throws MerapiError execution when there is none, or when it fails or answers in a wrong form; timeout
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
